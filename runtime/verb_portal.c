/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verb_portal.c: a portal that the policy names -> open for a while.
 *
 * The policy in force is put in force once more, with members in the portal's
 * tables, on trial: the kernel goes back to the closed one by itself when the
 * time is over, whatever became of this process. Nobody can confirm it.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../compiler/image_edit.h"
#include "engine_added.h"
#include "nfload.h"
#include "resolvers.h"

struct portal {
	struct nfload *tool;
	const char *device;
	struct engine *engine;
	const struct image *loaded;
	struct image live; /* loaded, or what live_bytes hold */
	__u8 *live_bytes;
	uint32_t generation;
	int web, dns; /* tables */
	struct image_entry resolvers[RESOLVERS_MAX];
	size_t resolver_count;
	const char *from; /* who named them */
};

/* The device whose portal is open, its table of resolvers, and where; or NULL.
 */
static const char *portal_open_on(struct engine *engine, __u32 *dns,
				  const struct image **image)
{
	struct engine_pending pending;
	struct engine_error ignored = {0};

	if (engine_pending(engine, &pending, &ignored) ||
	    pending.state != NFR_PENDING_WAITING || !pending.is_portal ||
	    engine_image(engine, 0, image, &ignored))
		return NULL;
	return image_open_portal(*image, dns);
}

/* ---- what to open ------------------------------------------------------ */

/* 0, or an exit status. */
static int portal_look(struct portal *p)
{
	struct nfload *t = p->tool;
	struct engine_error err = {0};
	const struct image *image;
	struct nfr_control control;
	const char *open;
	__u32 dns;
	int rc = engine_open(t->bpffs, &p->engine, &err);

	if (!rc)
		rc = engine_control(p->engine, &control);
	if (!rc)
		rc = engine_image(p->engine, 0, &p->loaded, &err);
	if (rc)
		return rc == -ENOENT ? report_fail(t, EXIT_NO, "%s", err.text)
				     : report_engine(t, EXIT_REFUSED, &err);
	p->generation =
		control.active < 2 ? control.generation[control.active] : 0;
	open = portal_open_on(p->engine, &dns, &image);
	if (open) {
		report_fail(t, EXIT_REFUSED, "the portal on %s is open already",
			    open);
		report_hint(t, "nfload portal --end closes it");
		return EXIT_REFUSED;
	}
	rc = engine_image_live(p->engine, 0, p->loaded, &p->live,
			       &p->live_bytes, &err);
	return rc ? report_engine(t, EXIT_REFUSED, &err) : 0;
}

static int portal_find(struct portal *p)
{
	struct nfload *t = p->tool;

	p->web = image_find_portal(&p->live, p->device, IMAGE_MODIFIER_PORTAL);
	p->dns = image_find_portal(&p->live, p->device,
				   IMAGE_MODIFIER_PORTAL_DNS);
	if (p->web < 0 || p->dns < 0) {
		report_fail(t, EXIT_INPUT,
			    "the policy in force has no portal on \"%s\"",
			    p->device);
		report_hint(t, "its tunnel says on which interface one may be, "
			       "as in \"portal on wlan0\"");
		return EXIT_INPUT;
	}
	if (if_nametoindex(p->device))
		return 0;
	return report_fail(t, EXIT_INPUT, "there is no device \"%s\"",
			   p->device);
}

static int portal_ask(struct portal *p)
{
	struct nfload *t = p->tool;

	if (!t->dns_count) {
		p->resolver_count =
			resolvers_of(p->device, if_nametoindex(p->device),
				     p->resolvers, &p->from);
		if (!p->resolver_count)
			report_note(t, "no lease and no router says whom to "
				       "ask for names: --dns does");
		return 0;
	}
	p->from = "--dns";
	for (size_t i = 0; i < t->dns_count; i++)
		if (resolvers_parse(t->dns[i], &p->resolvers[i]))
			return report_fail(t, EXIT_INPUT,
					   "--dns takes an address, not \"%s\"",
					   t->dns[i]);
	p->resolver_count = t->dns_count;
	return 0;
}

/* ---- opened ------------------------------------------------------------ */

static int portal_image(struct portal *p, __u8 **bytes, struct image *out)
{
	/* Both families; what is IPv4 stands beside. */
	const struct image_entry all[] = {
		{.family = NFR_FAMILY_IPV4, .addr = {[10] = 0xff, [11] = 0xff}},
		{.family = NFR_FAMILY_IPV6},
	};
	char error[IMAGE_ERROR_MAX] = "";
	struct image_edit edit;
	size_t len;
	int rc;

	image_edit_begin(&edit, &p->live);
	image_edit_table(&edit, (__u32)p->web, all, 2);
	image_edit_table(&edit, (__u32)p->dns, p->resolvers, p->resolver_count);
	rc = image_edit_finish(&edit, bytes, &len);
	image_edit_free(&edit);
	if (!rc && image_open(*bytes, len, out, error))
		rc = -EBADMSG;
	if (rc)
		return report_fail(p->tool, EXIT_INPUT, "the portal: %s",
				   *error ? error : strerror(-rc));
	return 0;
}

static void portal_say(struct portal *p, const struct image *image,
		       const struct engine_report *report)
{
	struct nfload *t = p->tool;
	char resolvers[IMAGE_PORTAL_TEXT_MAX];

	image_portal_resolvers(image, (__u32)p->dns, resolvers);
	json_put_int(t->json, JSON_FIELD_GENERATION, report->generation);
	json_put_int(t->json, JSON_FIELD_PREVIOUS, report->previous);
	json_put_text(t->json, JSON_FIELD_PORTAL, p->device);
	json_put_int(t->json, JSON_FIELD_TRIAL_LEFT, t->engine.trial_ms);
	report_summary(t, false,
		       "the portal on %s is open to TCP 80 and 443, and to DNS "
		       "at %s%s%s%s; in %u s the kernel closes it, \"nfload "
		       "portal --end\" before",
		       p->device, resolvers, p->resolver_count ? " (by " : "",
		       p->resolver_count ? p->from : "",
		       p->resolver_count ? ")" : "", t->engine.trial_ms / 1000);
}

static int portal_open(struct portal *p)
{
	struct nfload *t = p->tool;
	struct engine_options options = t->engine;
	struct engine_report report = {0};
	struct engine_error err = {.nothing_changed = true};
	struct image image;
	__u8 *bytes = NULL;
	int rc, status = portal_image(p, &bytes, &image);

	if (!status)
		status = refuse_broken(t, &p->live, &image);
	if (status)
		goto out;
	options.only_after = p->generation;
	options.read = &p->live;
	options.is_portal = true;
	rc = engine_apply(t->bpffs, &image, &options, &report, &err);
	if (rc)
		status = report_engine(t, EXIT_REFUSED, &err);
	else
		portal_say(p, &image, &report);
	engine_report_free(&report);
out:
	free(bytes);
	return status;
}

/* ---- closed ------------------------------------------------------------ */

/* EXIT_NO: none is open. */
int portal_close(struct nfload *t, bool is_asked)
{
	struct engine_options options = t->engine;
	struct engine_report report = {0};
	struct engine_error err = {0};
	struct engine *engine = NULL;
	const char *device = NULL;
	const struct image *image;
	char was[IF_NAMESIZE] = "";
	__u32 dns;
	int rc = engine_open(t->bpffs, &engine, &err);

	if (!rc)
		device = portal_open_on(engine, &dns, &image);
	if (device)
		snprintf(was, sizeof(was), "%s", device);
	engine_close(&engine);
	if (!device)
		return EXIT_NO;
	options.trial_ms = 0;
	rc = engine_rollback(t->bpffs, &options, &report, &err);
	if (rc)
		return report_engine(t, EXIT_REFUSED, &err);
	if (is_asked) {
		report_summary(
			t, false,
			"the portal on %s is closed: generation %u is in "
			"force again",
			was, report.generation);
	} else {
		char note[64 + IF_NAMESIZE];

		snprintf(note, sizeof(note),
			 "the portal on %s was open, and is closed now", was);
		report_note(t, note);
	}
	engine_report_free(&report);
	return EXIT_YES;
}

static int portal_end(struct nfload *t)
{
	int status;

	if (t->topic)
		return report_fail(t, EXIT_INPUT,
				   "--end closes whichever portal is open; "
				   "what is \"%s\"?",
				   t->topic);
	status = portal_close(t, true);
	return status == EXIT_NO ? report_fail(t, EXIT_NO, "no portal is open")
				 : status;
}

int verb_portal(struct nfload *t)
{
	struct portal p = {.tool = t, .device = t->topic};
	int status;

	if (t->is_end)
		return portal_end(t);
	if (!t->topic)
		return report_fail(t, EXIT_INPUT,
				   "\"nfload portal\" needs the interface that "
				   "the portal is on, or --end");
	status = portal_look(&p);
	if (!status)
		status = portal_find(&p);
	if (!status)
		status = portal_ask(&p);
	if (!status)
		status = portal_open(&p);
	free(p.live_bytes);
	engine_close(&p.engine);
	return status;
}
