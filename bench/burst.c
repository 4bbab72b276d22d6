/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * burst.c: packets from near to far in a lab.
 *
 * A veth hands a packet over on the core that sent it: the time until the last
 * one has arrived is that of the whole way, up to the socket that takes the
 * packet and drops it by a filter of its own. The sockets listen on the ports
 * of the flow so that no host answers with a reset.
 */
#include "burst.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "sink.h"

#define NEW_PORT_FIRST 10000 /* BURST_MAX ports from here on */
#define BATCH 64
#define DATA_LEN 18

static const int sink_types[] = {SOCK_DGRAM, SOCK_STREAM};

static int burst_fail(const char *what, char error[MEASURE_ERROR_MAX])
{
	int err = errno ? -errno : -EIO;

	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

int burst_pin(bool *is_first, char error[MEASURE_ERROR_MAX])
{
	struct sched_param param = {.sched_priority = 1};
	cpu_set_t set;
	int cpu = CPU_SETSIZE - 1;

	if (sched_getaffinity(0, sizeof(set), &set))
		return burst_fail("read the set of CPUs", error);
	while (cpu > 0 && !CPU_ISSET(cpu, &set))
		cpu--;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return burst_fail("stay on one CPU", error);
	*is_first = !sched_setscheduler(0, SCHED_FIFO, &param);
	return 0;
}

/* ---- sockets ----------------------------------------------------------- */

static int open_sink(const struct ends *e, enum lab_side side, int type,
		     int *out, char error[MEASURE_ERROR_MAX])
{
	uint16_t port = side == LAB_NEAR ? BURST_PORT_NEAR : BURST_PORT_FAR;

	return sink_open(e->family, LAB_CABLE, side, port, type, out, error);
}

static int open_side(struct ends *e, enum lab_side side,
		     char error[MEASURE_ERROR_MAX])
{
	struct sockaddr_storage name;
	socklen_t len =
		sink_name(e->family, LAB_CABLE,
			  side == LAB_NEAR ? LAB_FAR : LAB_NEAR, 0, &name);
	int ret = lab_enter(e->lab, side, error);

	for (int i = 0; i < 2 && !ret; i++)
		ret = open_sink(e, side, sink_types[i], &e->sink[side][i],
				error);
	if (ret)
		return ret;
	/* IPPROTO_RAW: the headers are ours. */
	e->send[side] =
		socket(name.ss_family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	if (e->send[side] < 0 ||
	    connect(e->send[side], (struct sockaddr *)&name, len))
		return burst_fail("a raw socket", error);
	return 0;
}

int ends_open(const struct lab *lab, enum nfr_family family, struct ends *out,
	      char error[MEASURE_ERROR_MAX])
{
	int ret;

	*out = (struct ends){.family = family,
			     .send = {-1, -1},
			     .sink = {{-1, -1}, {-1, -1}},
			     .lab = lab};
	errno = 0;
	ret = open_side(out, LAB_NEAR, error);
	return ret ? ret : open_side(out, LAB_FAR, error);
}

void ends_close(struct ends *e)
{
	for (int side = 0; side < 2; side++) {
		const int fds[] = {e->send[side], e->sink[side][0],
				   e->sink[side][1]};

		for (int i = 0; i < 3; i++)
			if (fds[i] >= 0)
				close(fds[i]);
	}
}

static int sink_of(const struct ends *e, enum lab_side side, __u8 proto)
{
	return e->sink[side][proto == CRAFT_TCP];
}

/* ---- packets ----------------------------------------------------------- */

static void first_packet(const struct ends *e, __u8 proto, struct craft *c)
{
	bool is_v4 = e->family == NFR_FAMILY_IPV4;
	int af = is_v4 ? AF_INET : AF_INET6;

	*c = (struct craft){.family = e->family,
			    .proto = proto,
			    .sport = BURST_PORT_NEAR,
			    .dport = BURST_PORT_FAR,
			    .seq = 0x10000000,
			    .flags = CRAFT_SYN};
	inet_pton(af, is_v4 ? LAB_NEAR4 : LAB_NEAR6, c->src);
	inet_pton(af, is_v4 ? LAB_FAR4 : LAB_FAR6, c->dst);
}

/* Until it is there: the next one answers it. */
static int send_one(const struct ends *e, enum lab_side side,
		    const struct craft *c, char error[MEASURE_ERROR_MAX])
{
	enum lab_side there = side == LAB_NEAR ? LAB_FAR : LAB_NEAR;
	__u8 packet[CRAFT_MAX];
	size_t len = craft_packet(c, packet);
	uint32_t before = 0;
	uint64_t passed;
	int ret = sink_count(sink_of(e, there, c->proto), &before, error);

	if (ret)
		return ret;
	if (send(e->send[side], packet, len, 0) != (ssize_t)len)
		return burst_fail("send a packet", error);
	return sink_wait(sink_of(e, there, c->proto), before, 1, &passed,
			 error);
}

/* Both sides say what makes a flow established; *c is what goes on. */
static int establish(const struct ends *e, struct craft *c,
		     char error[MEASURE_ERROR_MAX])
{
	struct craft answer;
	int ret = send_one(e, LAB_NEAR, c, error);

	craft_turn(c, &answer);
	answer.flags = CRAFT_SYN | CRAFT_ACK;
	answer.ack = c->seq + 1;
	if (!ret)
		ret = send_one(e, LAB_FAR, &answer, error);
	c->ack = answer.seq + 1;
	c->seq++;
	c->flags = CRAFT_ACK;
	return ret ? ret : send_one(e, LAB_NEAR, c, error);
}

struct packets {
	__u8 (*bytes)[CRAFT_MAX];
	struct iovec *iov;
	struct mmsghdr *messages;
};

static void packets_free(struct packets *p)
{
	free(p->bytes);
	free(p->iov);
	free(p->messages);
}

static int packets_new(struct craft *c, bool is_new, unsigned count,
		       struct packets *p)
{
	p->bytes = calloc(count, sizeof(*p->bytes));
	p->iov = calloc(count, sizeof(*p->iov));
	p->messages = calloc(count, sizeof(*p->messages));
	if (!p->bytes || !p->iov || !p->messages)
		return -ENOMEM;
	c->data_len = is_new && c->proto == CRAFT_TCP ? 0 : DATA_LEN;
	for (unsigned i = 0; i < count; i++) {
		if (is_new)
			c->sport = (__u16)(NEW_PORT_FIRST + i);
		p->iov[i] =
			(struct iovec){.iov_base = p->bytes[i],
				       .iov_len = craft_packet(c, p->bytes[i])};
		p->messages[i].msg_hdr =
			(struct msghdr){.msg_iov = &p->iov[i], .msg_iovlen = 1};
		c->seq += (__u32)c->data_len;
	}
	return 0;
}

static int send_all(const struct ends *e, const struct packets *p,
		    unsigned count, char error[MEASURE_ERROR_MAX])
{
	for (unsigned i = 0; i < count;) {
		unsigned batch = count - i < BATCH ? count - i : BATCH;
		int sent =
			sendmmsg(e->send[LAB_NEAR], p->messages + i, batch, 0);

		if (sent <= 0)
			return burst_fail("send packets", error);
		i += (unsigned)sent;
	}
	return 0;
}

int burst_send(struct ends *e, __u8 proto, bool is_new, unsigned count,
	       struct burst *out, char error[MEASURE_ERROR_MAX])
{
	struct packets packets = {0};
	uint32_t before = 0;
	uint64_t start;
	struct craft c;
	int ret = 0;

	first_packet(e, proto, &c);
	if (!is_new)
		ret = establish(e, &c, error);
	if (!ret && packets_new(&c, is_new, count, &packets)) {
		errno = ENOMEM;
		ret = burst_fail("packets", error);
	}
	if (!ret)
		ret = sink_count(sink_of(e, LAB_FAR, proto), &before, error);
	start = clock_now_ns();
	if (!ret)
		ret = send_all(e, &packets, count, error);
	if (!ret)
		ret = sink_wait(sink_of(e, LAB_FAR, proto), before, count,
				&out->passed, error);
	out->elapsed_ns = clock_now_ns() - start;
	packets_free(&packets);
	return ret;
}
