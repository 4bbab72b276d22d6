/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * agree_trace.c [--seed N] [--traces N] [--kernel N] [--trace N]: random
 * policies and conversations -> TAP lines that say whether the model of flows,
 * the native datapath and the kernel say the same of every packet, leave the
 * same bytes, and hold the same states at the end.
 *
 * --kernel: how many of the traces the kernel sees; its time can not be set, so
 * that it gets none with jumps. --trace runs one trace alone, and prints it. A
 * trace that differs is printed without the steps that it does not need.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "policy_case.h"
#include "trace_engine.h"
#include "trace_run.h"

#define HOST_PROFILE "tests/agree/host.json"
#define TRACES_A_GROUP 8 /* with the same policies */
#define COMPLAINTS_MAX 5
#define TICKS_MS 21
#define PLAYS 5		      /* of a trace, when the machine sleeps */
#define SLOW_MS 2000	      /* less than any timeout of a policy */
#define PLAY_MS 1000000000ull /* more than the jumps of a trace */

static const struct trace_engine *const engines[] = {&trace_native,
						     &trace_kernel};
#define ENGINES (sizeof(engines) / sizeof(*engines))

struct count {
	uint64_t traces, packets, rewritten, routed, copied, states, differ;
	uint64_t reasons[NFR_REASON_COUNT];
};

struct run {
	uint64_t seed, traces, limit[ENGINES];
	int64_t only;
	void *engine[ENGINES];
	const char *why_not[ENGINES];
	struct count counts[ENGINES];
	uint64_t refused; /* policies */
	unsigned complaints;
	/* The policies of a group. */
	uint64_t group;
	bool has_group;
	char *texts[TRACE_POLICIES];
	struct policy_case policies[TRACE_POLICIES];
	bool translates;
};

/* One trace on one engine. */
struct play {
	struct run *run;
	unsigned engine;
	const struct trace *trace;
	struct flow_model model;
	struct trace_run packets;
	struct count count;
	uint64_t begin_ms; /* the engine's clock goes on over traces */
	unsigned step;
	bool is_loud, differs;
};

/* ---- complaints -----------------------------------------------------------
 */

static void print_text(const char *text)
{
	printf("#   ");
	for (; *text; text++)
		printf(*text == '\n' && text[1] ? "\n#   " : "%c", *text);
}

static void print_result(const char *who, const struct nfr_result *r)
{
	static const char *const reasons[] = {
#define NFR_REASON(sym, name, doubt, text) name,
#include "runtime/reasons.def"
#undef NFR_REASON
	};

	printf("#     %s: %s %s rule %d%s\n", who,
	       r->verdict == NFR_PASS ? "pass" : "block",
	       r->reason < NFR_REASON_COUNT ? reasons[r->reason] : "?",
	       (int)r->rule, r->from_state ? " by its state" : "");
}

static void print_ends(const struct trace_packet *p)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	printf("%s:%u > %s:%u", addr_format(&p->ends.src, p->family, src),
	       p->ends.sport, addr_format(&p->ends.dst, p->family, dst),
	       p->ends.dport);
}

static void print_packet(const struct trace_frame *f)
{
	const struct trace_packet *p = &f->packet;

	print_ends(p);
	printf(" proto %u", p->proto);
	if (p->proto == TRACE_TCP)
		printf(" flags %02x seq %u ack %u len %u win %u scale %u",
		       p->flags, p->seq, p->ack, p->data_len, p->window,
		       p->wscale);
	if (p->proto == TRACE_ICMP || p->proto == TRACE_ICMP6)
		printf(" type %u code %u", p->type, p->code);
	if (p->is_piece)
		printf(" id %u bytes %u+%u%s", p->id, p->at, p->len,
		       p->has_more ? "+" : "");
	if (f->is_error) {
		printf(" about ");
		print_ends(&f->quoted);
		printf(" proto %u", f->quoted.proto);
	}
}

static void print_hook(const struct play *play, const struct flow_hook *h,
		       const struct trace_frame *f)
{
	const struct trace_step *s = &play->trace->steps[play->step];

	printf("#   step %u, talk %u side %u %s, %llu s: %s %s", play->step,
	       s->talk, s->side, trace_kind_name(s->kind),
	       (unsigned long long)(h->now_ms - play->begin_ms) / 1000,
	       h->dir == NFR_DIR_IN ? "in" : "out", trace_devices[h->device]);
	if (h->ingress != FLOW_HERE)
		printf(" from %s", trace_devices[h->ingress]);
	if (h->hops)
		printf(", hop %u%s%s", h->hops, h->is_copy ? ", a copy" : "",
		       h->was_here ? ", was here" : "");
	printf(" ttl %u", f->packet.ttl);
	printf(": ");
	print_packet(f);
	printf("\n");
}

static void print_orders(const char *who, uint32_t hop, uint32_t copy)
{
	printf("#     %s: sent to %d, copied to %d\n", who, (int)hop,
	       (int)copy);
}

static void print_bytes(const char *who, const uint8_t *bytes, size_t len)
{
	printf("#     %s:", who);
	for (size_t i = 14; i < len; i++)
		printf(" %02x", bytes[i]);
	printf("\n");
}

/* ---- packets --------------------------------------------------------------
 */

static bool same_result(const struct nfr_result *a, const struct nfr_result *b)
{
	return a->verdict == b->verdict && a->reason == b->reason &&
	       a->from_state == b->from_state && a->rule == b->rule;
}

/* device: of the model, or FLOW_NOWHERE. */
static bool same_hop(const struct play *play, unsigned device,
		     const struct addr *at, bool is_sent,
		     const struct nfr_hop *hop)
{
	const struct trace_engine *engine = engines[play->engine];

	if (!is_sent || device == FLOW_NOWHERE)
		return !is_sent && device == FLOW_NOWHERE;
	return hop->ifindex == engine->ifindex(play->run->engine[play->engine],
					       device) &&
	       memcmp(hop->addr, at->w, sizeof(hop->addr)) == 0;
}

/* The copy that was seen on a device is what the model wants, and no other. */
static bool same_copy(const struct play *play, const struct flow_hook *h,
		      const struct flow_answer *a, const struct trace_left *got,
		      const uint8_t *want, size_t len)
{
	const struct trace_engine *engine = engines[play->engine];

	if (!engine->sends)
		return true;
	if (a->copy == FLOW_NOWHERE || h->is_copy)
		return !got->has_copy;
	return got->has_copy &&
	       got->copy_ifindex ==
		       engine->ifindex(play->run->engine[play->engine],
				       a->copy) &&
	       memcmp(got->copied, want, len) == 0;
}

/* What passed is as the model wants it, and goes where it does. */
static bool same_way(const struct play *play, const struct flow_hook *h,
		     const struct flow_answer *a, const struct trace_left *got,
		     const uint8_t *want, size_t len)
{
	unsigned action = got->result.action;

	return memcmp(want, got->bytes, len) == 0 &&
	       same_hop(play, a->hop, &a->hop_at,
			action & NFR_RESULT_REDIRECTED, &got->hop) &&
	       same_hop(play, a->copy, &a->copy_at, action & NFR_RESULT_COPIED,
			&got->copy) &&
	       same_copy(play, h, a, got, want, len);
}

/* A copy of what came in has a hop less when it has passed at its device. */
static void age(const struct flow_hook *h, struct flow_answer *a)
{
	if (h->has_come_in && a->result.verdict == NFR_PASS)
		a->out.packet.ttl--;
}

static bool judge(void *arg, const struct flow_hook *at,
		  const struct trace_frame *frame, struct flow_answer *out)
{
	struct play *play = arg;
	const struct trace_engine *engine = engines[play->engine];
	uint8_t bytes[TRACE_FRAME_MAX], want[TRACE_FRAME_MAX];
	struct trace_left left = {.result.verdict = 255};
	const struct nfr_result *got = &left.result;
	struct flow_hook h = *at;
	struct flow_seen seen;
	struct flow_answer a;
	size_t len = trace_frame_build(frame, bytes);
	int err;

	if (play->differs)
		return false;
	h.frame_len = len;
	err = engine->judge(play->run->engine[play->engine], &h, bytes, len,
			    &left);
	seen.passes = got->verdict == NFR_PASS;
	seen.reason = got->reason;
	seen.rule = got->rule;
	seen.ends = trace_frame_ends(&frame->packet, left.bytes);
	flow_model_judge(&play->model, &h, frame, &seen, &a);
	if (engine->sends)
		age(&h, &a);
	if (play->model.has_flushed && !engine->has_clock) {
		/* What comes now is of another tick than what was flushed. */
		usleep(TICKS_MS * 1000);
		play->packets.now_ms += TICKS_MS;
	}
	play->model.has_flushed = false;
	play->count.packets++;
	play->count.reasons[a.result.reason]++;
	if (a.result.verdict == NFR_PASS) {
		trace_frame_build(&a.out, want);
		play->count.rewritten += memcmp(want, bytes, len) != 0;
		play->differs = !same_way(play, &h, &a, &left, want, len);
	}
	play->differs |= err || !same_result(&a.result, got);
	play->count.routed += a.hop != FLOW_NOWHERE;
	play->count.copied += a.copy != FLOW_NOWHERE && !h.is_copy;
	if (!engine->sends)
		age(&h, &a);
	if (play->is_loud) {
		print_hook(play, &h, frame);
		print_result("model", &a.result);
	}
	if (play->is_loud && play->differs) {
		print_result(engine->name, got);
		if (err)
			printf("#     %s\n", strerror(-err));
		print_bytes("sent", bytes, len);
		if (a.result.verdict == NFR_PASS)
			print_bytes("model", want, len);
		print_bytes(engine->name, left.bytes, len);
		print_orders("model", a.hop, a.copy);
		print_orders(engine->name, left.hop.ifindex, left.copy.ifindex);
		printf("#     a copy at ifindex %u\n",
		       left.has_copy ? left.copy_ifindex : 0);
	}
	*out = a;
	return a.result.verdict == NFR_PASS && !play->differs;
}

static void reload(void *arg, unsigned policy)
{
	struct play *play = arg;
	struct run *run = play->run;
	int err = engines[play->engine]->load(run->engine[play->engine],
					      &run->policies[policy].img);

	if (play->is_loud)
		printf("#   policy %u\n", policy);
	if (err) {
		play->differs = true;
		printf("# %s: load: %s\n", engines[play->engine]->name,
		       strerror(-err));
	}
	flow_model_load(&play->model, run->policies[policy].policy,
			run->policies[policy].img.config->flags &
				NFR_CONFIG_TAGS);
}

/* ---- states ---------------------------------------------------------------
 */

static void put_ends(const struct trace_ends *e, enum nfr_dir dir,
		     struct nfr_endpoints *out)
{
	const struct trace_ends near =
		dir == NFR_DIR_OUT ? *e : trace_swapped(e);

	memcpy(out->near_addr, near.src.w, 16);
	memcpy(out->far_addr, near.dst.w, 16);
	out->near_port = near.sport;
	out->far_port = near.dport;
}

static bool is_state_of(const struct play *play, const struct flow *f,
			const struct nfr_state_key *key)
{
	const struct trace_engine *engine = engines[play->engine];
	struct nfr_endpoints wire;

	put_ends(&f->wire, f->dir, &wire);
	return key->ifindex ==
		       (f->is_floating
				? 0
				: engine->ifindex(
					  play->run->engine[play->engine],
					  f->device)) &&
	       key->family == (f->family == FAMILY_IPV4 ? NFR_FAMILY_IPV4
							: NFR_FAMILY_IPV6) &&
	       key->proto == f->proto &&
	       memcmp(key->near_addr, &wire, sizeof(wire)) == 0;
}

/* Devices are the engine's own. */
static bool same_hops(const struct play *play, const struct flow *f,
		      const struct nfr_state *s)
{
	const struct trace_engine *engine = engines[play->engine];
	void *self = play->run->engine[play->engine];

	for (unsigned i = 0; i < FLOW_HOPS; i++) {
		const struct nfr_hop *hop =
			i == FLOW_COPY ? &s->copy : &s->hop[i];
		bool has_hop = f->hop[i] != FLOW_NOWHERE;

		if (hop->ifindex !=
		    (has_hop ? engine->ifindex(self, f->hop[i]) : 0))
			return false;
		if (has_hop && memcmp(hop->addr, f->hop_at[i].w, 16) != 0)
			return false;
	}
	return true;
}

static bool same_state(const struct play *play, const struct flow *f,
		       const struct nfr_state *s)
{
	struct nfr_endpoints stack;

	put_ends(&f->stack, f->dir, &stack);
	if (f->is_translated != ((s->flags & NFR_STATE_IS_TRANSLATED) != 0) ||
	    (f->is_translated && memcmp(&s->stack, &stack, sizeof(stack))))
		return false;
	return same_hops(play, f, s) && s->rule == f->kept_rule &&
	       s->phase == (uint8_t)f->phase && s->dir == f->dir &&
	       memcmp(s->packets, f->packets, sizeof(s->packets)) == 0 &&
	       memcmp(s->bytes, f->bytes, sizeof(s->bytes)) == 0;
}

struct census {
	struct play *play;
	size_t alive;
	bool has_clock;
};

static void visit(void *arg, const struct nfr_state_key *key,
		  const struct nfr_state *s)
{
	struct census *c = arg;
	struct play *play = c->play;

	if (c->has_clock && play->packets.now_ms > s->last_seen + s->timeout)
		return; /* dead, and not swept yet */
	c->alive++;
	for (size_t i = 0; i < play->model.count; i++) {
		const struct flow *f = &play->model.flows[i];

		if (!is_state_of(play, f, key))
			continue;
		if (same_state(play, f, s))
			return;
		if (play->is_loud)
			printf("#   state: rule %u phase %u packets %llu+%llu, "
			       "model: rule %u phase %u packets %llu+%llu\n",
			       s->rule, s->phase,
			       (unsigned long long)s->packets[0],
			       (unsigned long long)s->packets[1], f->kept_rule,
			       (unsigned)f->phase,
			       (unsigned long long)f->packets[0],
			       (unsigned long long)f->packets[1]);
		play->differs = true;
		return;
	}
	if (play->is_loud)
		printf("#   a state of no flow: ports %u %u rule %u phase %u\n",
		       key->near_port, key->far_port, s->rule, s->phase);
	play->differs = true;
}

static void compare_states(struct play *play)
{
	const struct trace_engine *engine = engines[play->engine];
	struct census c = {.play = play, .has_clock = engine->has_clock};
	size_t alive = 0;

	engine->states(play->run->engine[play->engine], visit, &c);
	for (size_t i = 0; i < play->model.count; i++) {
		const struct flow *f = &play->model.flows[i];

		alive += play->packets.now_ms <= f->seen_ms + f->timeout_ms;
	}
	play->count.states += c.alive;
	if (c.alive == alive)
		return;
	play->differs = true;
	if (play->is_loud)
		printf("#   %zu states, the model has %zu\n", c.alive, alive);
}

/* ---- traces ---------------------------------------------------------------
 */

static uint64_t clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* True when it differs. left_out: steps that are not taken. */
static bool play_once(struct run *run, unsigned engine, uint64_t number,
		      const struct trace *trace, const bool *left_out,
		      bool is_loud, struct count *count)
{
	static struct play play;

	play.run = run;
	play.engine = engine;
	play.trace = trace;
	play.is_loud = is_loud;
	play.differs = false;
	memset(&play.count, 0, sizeof(play.count));
	flow_model_begin(&play.model);
	play.packets = (struct trace_run){.devices = trace_devices,
					  .judge = judge,
					  .reload = reload,
					  .arg = &play};
	engines[engine]->begin(run->engine[engine], number, run->translates);
	play.begin_ms += PLAY_MS;
	trace_run_begin(&play.packets, trace, play.begin_ms);
	play.step = 0;
	reload(&play, 0);
	for (; play.step < trace->step_count && !play.differs; play.step++)
		if (!left_out || !left_out[play.step])
			trace_run_step(&play.packets, &trace->steps[play.step]);
	if (!play.differs)
		compare_states(&play);
	if (count)
		*count = play.count;
	return play.differs;
}

/*
 * The same. Where the engine's clock is the machine's, a machine that slept
 * ends flows that the model has: then what differs proves nothing.
 */
static bool play_trace(struct run *run, unsigned engine, uint64_t number,
		       const struct trace *trace, const bool *left_out,
		       bool is_loud, struct count *count)
{
	for (unsigned i = 0; i < PLAYS; i++) {
		uint64_t start = clock_ms();

		if (!play_once(run, engine, number, trace, left_out, is_loud,
			       count))
			return false;
		if (engines[engine]->has_clock || clock_ms() - start < SLOW_MS)
			return true;
	}
	return true;
}

static void print_minimal(struct run *run, unsigned engine, uint64_t number,
			  const struct trace *trace)
{
	bool left_out[TRACE_STEPS] = {false}, is_less = true;

	while (is_less) {
		is_less = false;
		for (unsigned i = trace->step_count; i-- > 0;) {
			if (left_out[i])
				continue;
			left_out[i] = true;
			if (play_trace(run, engine, number, trace, left_out,
				       false, NULL))
				is_less = true;
			else
				left_out[i] = false;
		}
	}
	printf("# %s differs: --seed %llu --trace %llu; what it needs of it:\n",
	       engines[engine]->name, (unsigned long long)run->seed,
	       (unsigned long long)number);
	for (unsigned i = 0; i < TRACE_POLICIES; i++) {
		printf("#  policy %u\n", i);
		print_text(run->texts[i]);
	}
	play_trace(run, engine, number, trace, left_out, true, NULL);
}

static void add_count(struct count *to, const struct count *from)
{
	to->traces++;
	to->packets += from->packets;
	to->rewritten += from->rewritten;
	to->routed += from->routed;
	to->copied += from->copied;
	to->states += from->states;
	for (unsigned i = 0; i < NFR_REASON_COUNT; i++)
		to->reasons[i] += from->reasons[i];
}

static void try_trace(struct run *run, unsigned engine, uint64_t number,
		      const struct trace *trace)
{
	struct count count;
	bool is_loud = run->only >= 0;

	if (run->why_not[engine] ||
	    run->counts[engine].traces >= run->limit[engine] ||
	    (trace->has_jumps && !engines[engine]->has_clock))
		return;
	if (play_trace(run, engine, number, trace, NULL, is_loud, &count)) {
		run->counts[engine].differ++;
		if (run->complaints++ < COMPLAINTS_MAX)
			print_minimal(run, engine, number, trace);
	}
	add_count(&run->counts[engine], &count);
}

/* ---- the run --------------------------------------------------------------
 */

static void drop_group(struct run *run)
{
	if (!run->has_group)
		return;
	for (unsigned i = 0; i < TRACE_POLICIES; i++) {
		policy_case_free(&run->policies[i]);
		free(run->texts[i]);
	}
	run->has_group = false;
}

static void take_group(struct run *run, uint64_t group)
{
	struct random r = random_fork(run->seed, group);

	if (run->has_group && run->group == group)
		return;
	drop_group(run);
	run->group = group;
	run->has_group = true;
	run->translates = false;
	random_trace_policies(&r, run->texts);
	for (unsigned i = 0; i < TRACE_POLICIES; i++) {
		if (policy_case_new(run->texts[i], HOST_PROFILE,
				    i % 2 ? POLICY_FORM_HASH : POLICY_FORM_CODE,
				    &run->policies[i]) != 0) {
			print_text(run->texts[i]);
			fflush(stdout);
			abort(); /* the generator makes what is accepted */
		}
		run->translates |= run->policies[i].img.pool_count != 0;
	}
}

static void try_number(struct run *run, uint64_t number)
{
	struct random r = random_fork(~run->seed, number);
	struct trace trace;

	take_group(run, number / TRACES_A_GROUP);
	random_trace(&r, &trace);
	for (unsigned i = 0; i < ENGINES; i++)
		try_trace(run, i, number, &trace);
}

static void print_reasons(const struct count *c)
{
	static const char *const names[] = {
#define NFR_REASON(sym, name, doubt, text) name,
#include "runtime/reasons.def"
#undef NFR_REASON
	};

	printf("#  ");
	for (unsigned i = 0; i < NFR_REASON_COUNT; i++)
		if (c->reasons[i])
			printf(" %s %llu", names[i],
			       (unsigned long long)c->reasons[i]);
	printf("\n");
}

/* Exit status. */
static int report(const struct run *run)
{
	int status = 0;

	for (unsigned i = 0; i < ENGINES; i++) {
		const struct count *c = &run->counts[i];
		bool is_ok = c->differ == 0 && c->traces != 0;

		if (run->why_not[i]) {
			printf("ok %u - %s # SKIP %s\n", i + 1,
			       engines[i]->name, run->why_not[i]);
			continue;
		}
		print_reasons(c);
		printf("%sok %u - %s follows the model of flows: %llu traces, "
		       "%llu packets, %llu of them rewritten, %llu routed, "
		       "%llu copied, %llu states compared, %llu differ\n",
		       is_ok ? "" : "not ", i + 1, engines[i]->name,
		       (unsigned long long)c->traces,
		       (unsigned long long)c->packets,
		       (unsigned long long)c->rewritten,
		       (unsigned long long)c->routed,
		       (unsigned long long)c->copied,
		       (unsigned long long)c->states,
		       (unsigned long long)c->differ);
		status |= !is_ok;
	}
	return status;
}

static void parse_options(int argc, char **argv, struct run *run)
{
	static const struct option options[] = {
		{"seed", required_argument, NULL, 's'},
		{"traces", required_argument, NULL, 't'},
		{"kernel", required_argument, NULL, 'k'},
		{"trace", required_argument, NULL, 'o'},
		{NULL, 0, NULL, 0}};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 's')
			run->seed = strtoull(optarg, NULL, 0);
		else if (c == 't')
			run->traces = strtoull(optarg, NULL, 0);
		else if (c == 'k')
			run->limit[1] = strtoull(optarg, NULL, 0);
		else if (c == 'o')
			run->only = strtoll(optarg, NULL, 0);
		else
			exit(2);
	}
}

int main(int argc, char **argv)
{
	static struct run run = {
		.traces = 12000, .limit = {UINT64_MAX, 4000}, .only = -1};

	run.seed = random_seed();
	setvbuf(stdout, NULL, _IOLBF, 0); /* for who dies with the seed */
	parse_options(argc, argv, &run);
	printf("# seed %llu, %llu traces\n1..%u\n",
	       (unsigned long long)run.seed, (unsigned long long)run.traces,
	       (unsigned)ENGINES);
	for (unsigned i = 0; i < ENGINES; i++)
		if (engines[i]->open(&run.engine[i], &run.why_not[i]) == 0)
			run.why_not[i] = NULL;
	if (run.only >= 0)
		try_number(&run, (uint64_t)run.only);
	for (uint64_t i = 0; i < run.traces && run.only < 0; i++)
		try_number(&run, i);
	drop_group(&run);
	for (unsigned i = 0; i < ENGINES; i++)
		if (!run.why_not[i])
			engines[i]->close(&run.engine[i]);
	return report(&run);
}
