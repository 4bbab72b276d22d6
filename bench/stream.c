/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.c: plain sockets between the sides of a lab.
 *
 * One process holds both ends and takes turns: what one core does a second,
 * with nobody waiting for another core, is what is measured.
 */
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "sink.h"

#define PORT 8443
#define DATA_LEN 64
#define BATCH 64	 /* datagrams a call */
#define SEGMENTS 8	 /* writes between two reads */
#define PATIENCE_MS 1000 /* without a byte */
#define KILO 1000u
#define WARM_UP 4000u	   /* kB before the clock runs */
#define CHUNK (128u << 10) /* on its way at a time */

/*
 * The same pages for all: where they are and how they are aligned made a
 * difference of three times.
 */
static _Alignas(4096) char chunk[CHUNK];

static int stream_fail(const char *what, char error[MEASURE_ERROR_MAX])
{
	int err = errno ? -errno : -EIO;

	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

/* ---- sockets ----------------------------------------------------------- */

/*
 * Grown by the kernel, they would be out of the caches in one lab and not in
 * another; far's are what the listener has.
 */
static int fix_buffers(int fd, char error[MEASURE_ERROR_MAX])
{
	int size = 4 * CHUNK;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		return stream_fail("buffers of a socket", error);
	return 0;
}

static int plain_socket(const struct stream *s, int type, enum lab_side to,
			int *out, char error[MEASURE_ERROR_MAX])
{
	struct sockaddr_storage name;
	socklen_t len = sink_name(s->family, s->net, to, PORT, &name);
	int one = 1, fd = socket(name.ss_family, type | SOCK_CLOEXEC, 0);

	*out = fd;
	if (fd >= 0 && fix_buffers(fd, error))
		return -errno;
	if (fd < 0 ||
	    (type == SOCK_STREAM &&
	     setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))) ||
	    connect(fd, (struct sockaddr *)&name, len))
		return stream_fail("connect a socket", error);
	return 0;
}

static int take(int listener, int *out, char error[MEASURE_ERROR_MAX])
{
	struct pollfd there = {.fd = listener, .events = POLLIN};
	int one = 1;

	if (poll(&there, 1, PATIENCE_MS) == 1)
		*out = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (*out < 0 ||
	    setsockopt(*out, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)))
		return stream_fail("accept a connection", error);
	return 0;
}

static int listen_at_far(struct stream *s, char error[MEASURE_ERROR_MAX])
{
	struct sockaddr_storage name;
	socklen_t len = sink_name(s->family, s->net, LAB_FAR, PORT, &name);
	int one = 1;

	s->listener = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 ||
	    setsockopt(s->listener, SOL_SOCKET, SO_REUSEADDR, &one,
		       sizeof(one)) ||
	    fix_buffers(s->listener, error) ||
	    bind(s->listener, (struct sockaddr *)&name, len) ||
	    listen(s->listener, 8))
		return stream_fail("listen", error);
	return sink_open(s->family, s->net, LAB_FAR, PORT, SOCK_DGRAM, &s->sink,
			 error);
}

int stream_open(const struct lab *lab, enum nfr_family family, enum lab_net net,
		struct stream *out, char error[MEASURE_ERROR_MAX])
{
	int ret;

	*out = (struct stream){.family = family,
			       .net = net,
			       .udp = -1,
			       .sink = -1,
			       .listener = -1,
			       .lab = lab};
	errno = 0;
	ret = lab_enter(lab, LAB_FAR, error);
	if (!ret)
		ret = listen_at_far(out, error);
	if (!ret)
		ret = lab_enter(lab, LAB_NEAR, error);
	if (!ret)
		ret = plain_socket(out, SOCK_DGRAM, LAB_FAR, &out->udp, error);
	return ret;
}

void stream_close(struct stream *s)
{
	const int fds[] = {s->udp, s->sink, s->listener};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* ---- bytes of a connection --------------------------------------------- */

/* What is there now; 0: nothing. */
static int drain(int fd, uint64_t *got, char error[MEASURE_ERROR_MAX])
{
	ssize_t len;

	while ((len = recv(fd, chunk, sizeof(chunk), MSG_DONTWAIT)) > 0)
		*got += (uint64_t)len;
	if (len == 0 || (errno != EAGAIN && errno != EINTR))
		return stream_fail("receive", error);
	return 0;
}

/* A turn in which nothing moved: the kernel's threads and timers have theirs.
 */
static int nap(int from, uint64_t *idle_ms, char error[MEASURE_ERROR_MAX])
{
	struct pollfd there = {.fd = from, .events = POLLIN};

	if (poll(&there, 1, 1) == 0 && ++*idle_ms > PATIENCE_MS) {
		errno = ETIMEDOUT;
		return stream_fail("nothing arrives", error);
	}
	return 0;
}

static int bulk(int from, int to, uint64_t bytes, uint64_t *got,
		char error[MEASURE_ERROR_MAX])
{
	uint64_t sent = 0, idle_ms = 0;
	int ret = 0;

	while (*got < bytes && !ret) {
		uint64_t before = *got + sent;
		size_t len =
			bytes - sent < CHUNK ? (size_t)(bytes - sent) : CHUNK;
		ssize_t n = len ? send(from, chunk, len, MSG_DONTWAIT) : 0;

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return stream_fail("send", error);
		sent += n > 0 ? (uint64_t)n : 0;
		ret = drain(to, got, error);
		if (!ret && *got + sent == before)
			ret = nap(to, &idle_ms, error);
	}
	return ret;
}

/* ---- a connection ------------------------------------------------------ */

struct connection {
	int near, far;
};

static int connection_open(const struct stream *s, struct connection *c,
			   char error[MEASURE_ERROR_MAX])
{
	int ret;

	*c = (struct connection){-1, -1};
	ret = plain_socket(s, SOCK_STREAM, LAB_FAR, &c->near, error);
	return ret ? ret : take(s->listener, &c->far, error);
}

/* Far first: what waits for late segments waits there. */
static void connection_close(struct connection *c)
{
	if (c->far >= 0)
		close(c->far);
	if (c->near >= 0)
		close(c->near);
}

/* ---- kinds ------------------------------------------------------------- */

static int run_udp(struct stream *s, unsigned count, uint64_t *passed,
		   char error[MEASURE_ERROR_MAX])
{
	struct iovec data = {.iov_base = chunk, .iov_len = DATA_LEN};
	struct mmsghdr messages[BATCH];
	uint32_t before = 0;
	int ret = sink_count(s->sink, &before, error);

	for (unsigned i = 0; i < BATCH; i++)
		messages[i] = (struct mmsghdr){
			.msg_hdr = {.msg_iov = &data, .msg_iovlen = 1}};
	for (unsigned i = 0; i < count && !ret;) {
		unsigned batch = count - i < BATCH ? count - i : BATCH;
		int sent = sendmmsg(s->udp, messages, batch, 0);

		if (sent <= 0)
			return stream_fail("send datagrams", error);
		i += (unsigned)sent;
	}
	return ret ? ret : sink_wait(s->sink, before, count, passed, error);
}

static int data_segments(int fd, uint32_t *out, char error[MEASURE_ERROR_MAX])
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return stream_fail("count segments", error);
	*out = info.tcpi_data_segs_in;
	return 0;
}

static int run_tcp(const struct connection *c, unsigned count, uint64_t *passed,
		   char error[MEASURE_ERROR_MAX])
{
	uint64_t got = 0, want = (uint64_t)count * DATA_LEN, idle_ms = 0;
	uint32_t before = 0, after = 0;
	int ret = data_segments(c->far, &before, error);

	for (unsigned i = 0; got < want && !ret;) {
		uint64_t had = got;
		unsigned wrote = i;

		for (unsigned n = 0; n < SEGMENTS && i < count; n++, i++)
			if (send(c->near, chunk, DATA_LEN, MSG_DONTWAIT) !=
			    DATA_LEN)
				break;
		ret = drain(c->far, &got, error);
		if (!ret && got == had && i == wrote)
			ret = nap(c->far, &idle_ms, error);
	}
	if (!ret)
		ret = data_segments(c->far, &after, error);
	*passed = after - before;
	return ret;
}

/* Both ends are this process's: each has its bytes before the other reads. */
static int exchange(int near, int far, char error[MEASURE_ERROR_MAX])
{
	struct pollfd there = {.events = POLLIN};

	for (int i = 0; i < 2; i++) {
		there.fd = i ? near : far;
		if (send(i ? far : near, chunk, DATA_LEN, 0) != DATA_LEN)
			return stream_fail("send", error);
		if (poll(&there, 1, PATIENCE_MS) != 1 ||
		    recv(there.fd, chunk, DATA_LEN, 0) != DATA_LEN)
			return stream_fail("receive", error);
	}
	return 0;
}

static int run_requests(const struct stream *s, unsigned count,
			uint64_t *passed, char error[MEASURE_ERROR_MAX])
{
	int ret = 0;

	for (unsigned i = 0; i < count && !ret; i++) {
		struct connection c;

		ret = connection_open(s, &c, error);
		if (!ret)
			ret = exchange(c.near, c.far, error);
		connection_close(&c);
		*passed += !ret;
	}
	return ret;
}

static int run_bulk(const struct connection *c, bool is_up, unsigned count,
		    uint64_t *passed, char error[MEASURE_ERROR_MAX])
{
	uint64_t got = 0;
	int ret = bulk(is_up ? c->near : c->far, is_up ? c->far : c->near,
		       (uint64_t)count * KILO, &got, error);

	*passed = got / KILO;
	return ret;
}

/* A connection is a new one in each round: some copy slower all their life. */
static int run_connected(const struct stream *s, enum stream_kind kind,
			 unsigned count, uint64_t *elapsed_ns, uint64_t *passed,
			 char error[MEASURE_ERROR_MAX])
{
	struct connection c;
	uint64_t start, warm;
	int ret = connection_open(s, &c, error);

	if (!ret)
		ret = exchange(c.near, c.far, error);
	if (!ret && kind != STREAM_TCP)
		ret = run_bulk(&c, kind == STREAM_UPLOAD, WARM_UP, &warm,
			       error);
	start = clock_now_ns();
	if (!ret && kind == STREAM_TCP)
		ret = run_tcp(&c, count, passed, error);
	else if (!ret)
		ret = run_bulk(&c, kind == STREAM_UPLOAD, count, passed, error);
	*elapsed_ns = clock_now_ns() - start;
	connection_close(&c);
	return ret;
}

int stream_run(struct stream *s, enum stream_kind kind, unsigned count,
	       uint64_t *elapsed_ns, uint64_t *passed,
	       char error[MEASURE_ERROR_MAX])
{
	int ret = lab_enter(s->lab, LAB_NEAR, error);
	uint64_t start = clock_now_ns();

	*passed = 0;
	errno = 0;
	if (ret)
		return ret;
	if (kind != STREAM_UDP && kind != STREAM_REQUEST)
		return run_connected(s, kind, count, elapsed_ns, passed, error);
	if (kind == STREAM_UDP)
		ret = run_udp(s, count, passed, error);
	else
		ret = run_requests(s, count, passed, error);
	*elapsed_ns = clock_now_ns() - start;
	return ret;
}

/* ---- is the filter in force? ------------------------------------------- */

int stream_escapes(const struct lab *lab, bool *out,
		   char error[MEASURE_ERROR_MAX])
{
	struct sockaddr_in outside = {.sin_family = AF_INET,
				      .sin_port = htons(PORT)};
	struct pollfd there = {.fd = -1, .events = POLLIN};
	int fd = -1, ret = lab_enter(lab, LAB_FAR, error);

	errno = 0;
	inet_pton(AF_INET, LAB_OUTSIDE4, &outside.sin_addr);
	if (!ret) {
		there.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (there.fd < 0 || bind(there.fd, (struct sockaddr *)&outside,
					 sizeof(outside)))
			ret = stream_fail("a host outside", error);
	}
	if (!ret)
		ret = lab_enter(lab, LAB_NEAR, error);
	if (!ret) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE,
					 "near0", sizeof("near0")))
			ret = stream_fail("a socket bound to near0", error);
	}
	/* Refused is what a filter is for. */
	if (!ret && sendto(fd, "", 1, 0, (struct sockaddr *)&outside,
			   sizeof(outside)) < 0)
		errno = 0;
	*out = !ret && poll(&there, 1, 200) == 1;
	if (fd >= 0)
		close(fd);
	if (there.fd >= 0)
		close(there.fd);
	return ret;
}
