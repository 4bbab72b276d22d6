/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_watch.c: rtnetlink's messages, a timer and signals -> passes that bring
 * what is loaded up to date with this host.
 *
 * A message says only that something changed; a pass (engine_tend) finds out
 * what. So messages that were lost or came all at once do no harm. Nothing here
 * is needed for safety: without a watch, what is new stays closed.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "engine_added.h"
#include "nfload.h"
#include "notify.h"
#include "presence.h"

#define WATCH_SETTLE_MS 50    /* messages of one change come together */
#define WATCH_TUNNEL_MS 1000u /* peers come without a message */
#define WATCH_CHAINS_MS 100u  /* nor does a program of others in front */
#define WATCH_LINE_MAX 512

struct watch {
	struct nfload *tool;
	struct mnl_socket *netlink, *nftables;
	int signals, presence;
	struct engine_devices devices; /* as the last pass left them */
	bool follows_routes;
	bool wants_soon; /* a tunnel stands closed and may get its peers */
	uint32_t trial_state;
	char last[WATCH_LINE_MAX]; /* how things stood when last said */
	char trouble[WATCH_LINE_MAX];
	char closed[ENGINE_CLOSED_MAX];
	__u8 refused[IMAGE_HASH_LEN]; /* tables that would break the policy */
};

static void watch_say(void *arg, const char *line)
{
	(void)arg;
	/* The journal knows when, and takes the level from the line. */
	fprintf(stderr, "%snfload watch: %s\n",
		getenv("JOURNAL_STREAM") ? "<5>" : "", line);
}

/* Once, until it is something else. */
static void say_trouble(struct watch *w, const char *text)
{
	if (!strcmp(w->trouble, text))
		return;
	snprintf(w->trouble, sizeof(w->trouble), "%s", text);
	if (*text)
		watch_say(NULL, text);
}

/* ---- a pass -------------------------------------------------------------- */

static void watch_trial(struct watch *w, struct engine *engine,
			struct engine_pending *pending)
{
	char line[WATCH_LINE_MAX], before[TRIAL_BEFORE_MAX];
	struct engine_error err = {0};

	if (engine_pending(engine, pending, &err))
		return;
	if (pending->state == NFR_PENDING_WENT_BACK &&
	    w->trial_state == NFR_PENDING_WAITING) {
		snprintf(line, sizeof(line),
			 "%s%u%s: the kernel went back to %s",
			 pending->is_portal ? "the portal of generation "
					    : "generation ",
			 pending->generation,
			 pending->is_portal ? " is over"
					    : " was not confirmed in time",
			 trial_before(pending, before));
		watch_say(NULL, line);
	}
	w->trial_state = pending->state;
}

/* 0, or why the refilled tables are not put in force. */
static const char *watch_apply(struct watch *w, const struct image *old,
			       const struct image *read,
			       const struct image *image, uint32_t generation,
			       bool is_moved)
{
	struct engine_options options = w->tool->engine;
	struct engine_report report = {0};
	struct engine_error err = {0};
	char line[WATCH_LINE_MAX];
	int rc;

	if (!memcmp(w->refused, image->header->hash, IMAGE_HASH_LEN))
		return NULL;
	/* An empty table that would open the policy keeps what it had. */
	if (image_find_open(image) >= 0 || refuse_broken(w->tool, old, image)) {
		memcpy(w->refused, image->header->hash, IMAGE_HASH_LEN);
		return "the new addresses would break the policy: the tables "
		       "stay as they are";
	}
	options.only_after = generation;
	options.read = read;
	rc = engine_apply(w->tool->bpffs, image, &options, &report, &err);
	if (rc == -EAGAIN || rc == -EINPROGRESS)
		return NULL; /* the next pass sees what came */
	if (rc) {
		say_trouble(w, err.text);
		return NULL;
	}
	snprintf(line, sizeof(line),
		 "%s changed: generation %u has the new ones",
		 is_moved ? "devices of rules that translate" : "addresses",
		 report.generation);
	watch_say(NULL, line);
	engine_report_free(&report);
	return NULL;
}

static void watch_tables(struct watch *w, struct engine *engine,
			 const struct engine_pending *pending)
{
	const struct image *image, *read, *next = NULL;
	struct engine_error err = {0};
	struct nfr_control control;
	struct image refilled, live;
	const char *why = NULL;
	__u8 *bytes = NULL, *live_bytes = NULL;
	bool is_moved;

	if (pending->state == NFR_PENDING_WAITING ||
	    engine_control(engine, &control) || control.active > 1 ||
	    engine_image(engine, 0, &image, &err) ||
	    localise_refill(w->tool, engine, image, &bytes, &refilled))
		return;
	read = image;
	is_moved = engine_is_moved(engine, image);
	if (bytes)
		next = &refilled;
	/* What rules have put into tables stays there. */
	if ((bytes || is_moved) &&
	    !engine_image_live(engine, 0, image, &live, &live_bytes, &err)) {
		free(bytes);
		read = next = &live;
		if (!localise_refill(w->tool, engine, &live, &bytes,
				     &refilled) &&
		    bytes)
			next = &refilled;
	}
	if (next)
		why = watch_apply(w, image, read, next,
				  control.generation[control.active], is_moved);
	if (why)
		watch_say(NULL, why);
	free(bytes);
	free(live_bytes);
}

/* Says how things stand when that is news, to people and to systemd. */
static void watch_status(struct watch *w, struct engine *engine)
{
	struct engine_status status = {0};
	struct engine_error err = {0};
	char line[WATCH_LINE_MAX];
	const char *note = "";

	if (engine_status(engine, &status, &err))
		return;
	w->wants_soon = false;
	for (size_t i = 0; i < status.devices.count; i++)
		w->wants_soon |= status.devices.items[i].is_tunnel &&
				 !status.devices.items[i].is_trusted;
	if (status.posture == ENGINE_POSTURE_PARTLY && status.note_count)
		note = status.notes[0];
	snprintf(line, sizeof(line), "%s, generation %u%s%.200s",
		 engine_posture_name(status.posture), status.generation,
		 *note ? ": " : "", note);
	if (strcmp(line, w->last))
		watch_say(NULL, line);
	snprintf(w->last, sizeof(w->last), "%s", line);
	notify_send("STATUS=%s", line);
	engine_devices_free(&w->devices);
	w->devices = status.devices;
	status.devices = (struct engine_devices){0};
	engine_status_free(&status);
}

/* Routes matter where they are followed; else they only wake. */
static void watch_routes(struct watch *w, struct engine *engine)
{
	static const int groups[] = {RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE};
	struct nfr_control control;
	bool wants = !engine_control(engine, &control) && control.steers != 0;

	if (wants == w->follows_routes)
		return;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		mnl_socket_setsockopt(w->netlink,
				      wants ? NETLINK_ADD_MEMBERSHIP
					    : NETLINK_DROP_MEMBERSHIP,
				      (void *)&groups[i], sizeof(groups[i]));
	w->follows_routes = wants;
}

static void watch_pass(struct watch *w)
{
	const struct engine_tend_log log = {.say = watch_say,
					    .closed = w->closed};
	struct engine_pending pending = {0};
	struct engine_error err = {0};
	struct engine *engine = NULL;
	int rc = engine_open(w->tool->bpffs, &engine, &err);

	if (!rc)
		rc = engine_tend(engine, &w->tool->engine, &log, &err);
	if (!rc) {
		say_trouble(w, "");
		watch_routes(w, engine);
		watch_trial(w, engine, &pending);
		watch_tables(w, engine, &pending);
		watch_status(w, engine);
	} else {
		say_trouble(w, err.text);
		notify_send("STATUS=%s", err.text);
		w->last[0] = '\0';
	}
	engine_close(&engine);
}

/* ---- what wakes it ------------------------------------------------------- */

static int watch_open_netlink(struct watch *w)
{
	static const int groups[] = {RTNLGRP_LINK,	  RTNLGRP_IPV4_IFADDR,
				     RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_RULE,
				     RTNLGRP_IPV6_RULE,	  RTNLGRP_TC};

	w->netlink =
		mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (!w->netlink || mnl_socket_bind(w->netlink, 0, MNL_SOCKET_AUTOPID))
		return -errno;
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++) {
		if (mnl_socket_setsockopt(w->netlink, NETLINK_ADD_MEMBERSHIP,
					  (void *)&groups[i],
					  sizeof(groups[i])))
			return -errno;
	}
	return 0;
}

/* The gate is of nf_tables; a kernel without has no gate. */
static void watch_open_nftables(struct watch *w)
{
	int group = NFNLGRP_NFTABLES;

	w->nftables = mnl_socket_open2(NETLINK_NETFILTER,
				       SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (w->nftables &&
	    (mnl_socket_bind(w->nftables, 0, MNL_SOCKET_AUTOPID) ||
	     mnl_socket_setsockopt(w->nftables, NETLINK_ADD_MEMBERSHIP, &group,
				   sizeof(group)))) {
		mnl_socket_close(w->nftables);
		w->nftables = NULL;
	}
}

static int watch_open(struct watch *w)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return -errno;
	w->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	watch_open_nftables(w);
	return w->signals < 0 ? -errno : watch_open_netlink(w);
}

static bool watch_knows(const struct watch *w, uint32_t ifindex)
{
	for (size_t i = 0; i < w->devices.count; i++) {
		if (w->devices.items[i].ifindex == ifindex)
			return true;
	}
	return false;
}

/* Is one of them of a device that no pass has seen? */
static bool watch_is_news(const struct watch *w, const char *buffer, int left)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
	bool is_news = false;

	for (; mnl_nlmsg_ok(message, left);
	     message = mnl_nlmsg_next(message, &left)) {
		const struct ifinfomsg *info = mnl_nlmsg_get_payload(message);

		is_news |= message->nlmsg_type == RTM_NEWLINK &&
			   !watch_knows(w, (uint32_t)info->ifi_index);
	}
	return is_news;
}

/*
 * All that waits there; ENOBUFS, messages were lost, is one more of them. True:
 * there is no time to wait for more.
 */
static bool watch_drain(struct watch *w)
{
	char buffer[16384];
	bool is_news = false;
	ssize_t len;

	while ((len = mnl_socket_recvfrom(w->netlink, buffer, sizeof(buffer))) >
		       0 ||
	       errno == ENOBUFS || errno == EINTR)
		is_news |= len < 0 || watch_is_news(w, buffer, (int)len);
	while (w->nftables &&
	       (mnl_socket_recvfrom(w->nftables, buffer, sizeof(buffer)) > 0 ||
		errno == ENOBUFS || errno == EINTR))
		continue;
	return is_news;
}

/* SIGHUP looks at once; true: leave. */
static bool watch_is_over(struct watch *w)
{
	struct signalfd_siginfo info;
	bool is_over = false;

	while (read(w->signals, &info, sizeof(info)) == sizeof(info))
		is_over |= info.ssi_signo != SIGHUP;
	return is_over;
}

static int watch_timeout(const struct watch *w, uint32_t watchdog_ms)
{
	uint32_t ms = w->tool->every_ms;

	if (w->wants_soon && ms > WATCH_TUNNEL_MS)
		ms = WATCH_TUNNEL_MS;
	if (watchdog_ms && ms > watchdog_ms / 2)
		ms = watchdog_ms / 2;
	return (int)ms;
}

/*
 * Until there is something to do. Programs of others come to a chain without a
 * message, so chains are looked at now and then, which takes microseconds.
 */
static void watch_wait(struct watch *w, struct pollfd *fds, int timeout_ms)
{
	int waited_ms = 0, ready = 0;

	while (!ready && waited_ms < timeout_ms) {
		int left_ms = timeout_ms - waited_ms;
		int ms = left_ms < (int)WATCH_CHAINS_MS ? left_ms
							: (int)WATCH_CHAINS_MS;

		ready = poll(fds, 3, ms);
		waited_ms += ms;
		if (!ready && engine_is_disturbed(&w->devices))
			return;
	}
	if (ready > 0 && !fds[0].revents && !watch_drain(w))
		poll(fds, 1, WATCH_SETTLE_MS);
}

static void watch_run(struct watch *w)
{
	uint32_t watchdog_ms = notify_watchdog_ms();
	struct pollfd fds[3] = {
		{.fd = w->signals, .events = POLLIN},
		{.fd = mnl_socket_get_fd(w->netlink), .events = POLLIN},
		{.fd = w->nftables ? mnl_socket_get_fd(w->nftables) : -1,
		 .events = POLLIN},
	};

	watch_pass(w);
	notify_send("READY=1");
	for (;;) {
		watch_wait(w, fds, watch_timeout(w, watchdog_ms));
		if (watch_is_over(w))
			return;
		watch_drain(w);
		watch_pass(w);
		notify_send("WATCHDOG=1");
	}
}

int verb_watch(struct nfload *t)
{
	struct watch w = {.tool = t, .signals = -1, .presence = -1};
	struct engine_error err = {0};
	int status = EXIT_YES;
	int rc = engine_probe(t->bpffs, &err);

	if (rc)
		return report_engine(t, EXIT_REFUSED, &err);
	w.presence = presence_begin(t->bpffs);
	if (w.presence == -EADDRINUSE)
		return report_fail(t, EXIT_REFUSED,
				   "another nfload watch follows %s", t->bpffs);
	rc = watch_open(&w);
	if (rc)
		status = report_fail(t, EXIT_REFUSED, "rtnetlink: %s",
				     strerror(-rc));
	else
		watch_run(&w);
	notify_send("STOPPING=1");
	if (w.netlink)
		mnl_socket_close(w.netlink);
	if (w.nftables)
		mnl_socket_close(w.nftables);
	if (w.signals >= 0)
		close(w.signals);
	if (w.presence >= 0)
		close(w.presence);
	engine_devices_free(&w.devices);
	return status;
}
