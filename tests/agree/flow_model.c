/* SPDX-License-Identifier: BSD-2-Clause */
/* flow_model.c: a packet -> the flow that it is of, and what follows. */
#include "flow_model.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_SECONDS 60
#define LOOKS 2 /* for the flow of a packet, as flows end */

/* ---- names ----------------------------------------------------------------
 */

enum flow_role flow_role(const struct trace_packet *p)
{
	bool is_icmp = p->family == FAMILY_IPV4 ? p->proto == TRACE_ICMP
						: p->proto == TRACE_ICMP6;

	if (!is_icmp)
		return FLOW_ANY;
	if (!trace_is_echo(p))
		return FLOW_NONE;
	return p->type == 8 || p->type == 128 ? FLOW_ASKS : FLOW_ANSWERS;
}

static struct trace_ends turned(const struct trace_ends *e, bool is_turned)
{
	return is_turned ? trace_swapped(e) : *e;
}

/* The device's packets are on the wire when they come in. */
static const struct trace_ends *form_of(const struct flow *f, enum nfr_dir dir)
{
	return dir == NFR_DIR_IN ? &f->wire : &f->stack;
}

static bool is_here(const struct flow *f, unsigned device,
		    const struct trace_packet *p)
{
	return f->family == p->family && f->proto == p->proto &&
	       (f->is_floating || f->device == device);
}

static bool same_place(const struct flow *a, const struct flow *b)
{
	return a->family == b->family && a->proto == b->proto &&
	       a->is_floating == b->is_floating &&
	       (a->is_floating || a->device == b->device);
}

bool flow_same_wire(const struct flow *a, const struct flow *b)
{
	struct trace_ends b_wire = turned(&b->wire, a->dir != b->dir);

	return same_place(a, b) && trace_same_ends(&a->wire, &b_wire);
}

bool flow_same_stack(const struct flow *a, const struct flow *b)
{
	struct trace_ends b_stack = turned(&b->stack, a->dir != b->dir);

	return same_place(a, b) && trace_same_ends(&a->stack, &b_stack);
}

void flow_end(struct flow_model *m, struct flow *f)
{
	*f = m->flows[--m->count];
}

static void forget_dead(struct flow_model *m, uint64_t now_ms)
{
	for (size_t i = m->count; i-- > 0;)
		if (now_ms > m->flows[i].seen_ms + m->flows[i].timeout_ms)
			flow_end(m, &m->flows[i]);
}

/* Ports are used again: a SYN behind the end begins anew (RFC 9293 3.6.1). */
static bool continues(const struct flow *f, enum nfr_dir dir,
		      const struct trace_packet *p, bool is_quoted)
{
	switch (flow_role(p)) {
	case FLOW_ASKS:
		return dir == f->dir &&
		       f->first.w[NFR_F_ICMP] ==
			       ((uint32_t)p->type << 8 | p->code);
	case FLOW_ANSWERS:
		return dir != f->dir;
	case FLOW_NONE:
		return false;
	default:
		return is_quoted || p->proto != TRACE_TCP || dir != f->dir ||
		       f->phase < FLOW_FINWAIT ||
		       (p->flags & (TRACE_SYN | TRACE_ACK)) != TRACE_SYN;
	}
}

/*
 * The flow that p, which goes dir, is of; form: how its ends are given. Flows
 * of the device before floating ones, plain before translated ones. What was
 * here before is as on the wire.
 */
static struct flow *find(struct flow_model *m, const struct flow_hook *h,
			 enum nfr_dir dir, enum nfr_dir form,
			 const struct trace_packet *p, bool is_quoted)
{
	for (unsigned rank = 0; rank < 4; rank++)
		for (size_t i = 0; i < m->count; i++) {
			struct flow *f = &m->flows[i];
			bool is_second = rank % 2;
			bool is_wire = form == NFR_DIR_IN ||
				       (h->was_here && !is_second);
			struct trace_ends ends =
				turned(form_of(f, is_wire ? NFR_DIR_IN : form),
				       dir != f->dir);

			if (f->is_floating == rank / 2 &&
			    (is_wire || f->is_translated == is_second) &&
			    is_here(f, h->device, p) &&
			    trace_same_ends(&ends, &p->ends) &&
			    continues(f, dir, p, is_quoted))
				return f;
		}
	return NULL;
}

/* The flow of another device whose answers are routed, and p is one. */
static struct flow *find_answered(struct flow_model *m, enum nfr_dir dir,
				  const struct trace_packet *p)
{
	for (size_t i = 0; i < m->count; i++) {
		struct flow *f = &m->flows[i];
		struct trace_ends ends = turned(&f->stack, dir != f->dir);

		if (f->has_answers && f->family == p->family &&
		    f->proto == p->proto && trace_same_ends(&ends, &p->ends) &&
		    continues(f, dir, p, false))
			return f;
	}
	return NULL;
}

/* ---- keys and verdicts ----------------------------------------------------
 */

static uint32_t id_of(const struct policy *p, const char *name)
{
	for (size_t i = 0; i < p->iface_count; i++)
		if (strcmp(p->ifaces[i].name, name) == 0)
			return (uint32_t)i + 1;
	return 0;
}

void flow_place_key(const struct policy *p, const struct flow_hook *h,
		    struct nfr_key *key)
{
	uint32_t *received = &key->w[NFR_F_RECEIVED];

	key->w[NFR_F_IFID] = *received = id_of(p, h->names[h->device]);
	key->w[NFR_F_DIR] = h->dir;
	if (h->dir == NFR_DIR_OUT) {
		if (h->ingress == FLOW_HERE) {
			*received = 0;
			return;
		}
		*received = id_of(p, h->names[h->ingress]);
	}
	if (!*received)
		*received = NFR_RECEIVED_OTHER;
}

/* The key of a packet here, under the policy in force. */
static void flow_key(const struct flow_model *m, const struct flow_hook *h,
		     const struct trace_packet *p, struct nfr_key *key)
{
	trace_frame_key(p, key);
	flow_place_key(m->policy, h, key);
}

struct nfr_result flow_blocks(enum nfr_reason reason, uint32_t rule)
{
	return (struct nfr_result){
		.verdict = NFR_BLOCK, .reason = (uint8_t)reason, .rule = rule};
}

bool flow_is_current(const struct flow_model *m, const struct flow *f)
{
	return f->loaded == m->loaded &&
	       (f->epoch == m->epoch || !flow_overloads(m->policy));
}

/* Is the flow under this policy? If it is no longer, it ends. */
static struct flow *judged(struct flow_model *m, const struct flow_hook *h,
			   struct flow *f)
{
	if (!f || flow_is_current(m, f))
		return f;
	if (!flow_is_flushed(m, f) && flow_holds(m, h, f))
		return f;
	flow_end(m, f);
	return NULL;
}

/* Behind the first that is found, and ends, another one may have been. */
static struct flow *find_judged(struct flow_model *m, const struct flow_hook *h,
				const struct trace_packet *p)
{
	struct flow *f = find(m, h, h->dir, h->dir, p, false);

	if (!f && h->dir == NFR_DIR_OUT && !h->hops && flow_routes(m->policy))
		f = find_answered(m, h->dir, p);
	f = judged(m, h, f);
	for (unsigned i = 1; i < LOOKS && !f; i++)
		f = judged(m, h, find(m, h, h->dir, h->dir, p, false));
	return f;
}

/* ---- a packet of a flow ---------------------------------------------------
 */

static enum flow_phase next_phase(struct flow *f, unsigned back,
				  const struct trace_packet *p)
{
	enum flow_phase next = f->phase;

	if (p->proto != TRACE_TCP)
		return back ? FLOW_ESTABLISHED : (next ? next : FLOW_HALF);
	if (p->flags & TRACE_RST)
		return FLOW_CLOSED;
	if (p->flags & TRACE_FIN) {
		f->has_fin[back] = true;
		next = f->has_fin[!back] ? FLOW_FINWAIT : FLOW_CLOSING;
	} else if (next == FLOW_OPENING && back) {
		next = p->flags & TRACE_SYN ? FLOW_HALF : FLOW_ESTABLISHED;
	} else if (next == FLOW_HALF && !back && !(p->flags & TRACE_SYN) &&
		   p->flags & TRACE_ACK) {
		next = FLOW_ESTABLISHED;
	}
	return next > f->phase ? next : f->phase;
}

static void count_packet(struct flow *f, const struct flow_hook *h)
{
	f->packets[h->dir]++;
	f->bytes[h->dir] += h->frame_len;
}

/* As it leaves: what comes in as the host knows it, the rest as the wire. */
static void leave(const struct flow *f, const struct flow_hook *h,
		  struct trace_packet *p)
{
	const struct trace_ends *to =
		form_of(f, h->dir == NFR_DIR_IN ? NFR_DIR_OUT : NFR_DIR_IN);

	p->ends = turned(to, h->dir != f->dir);
}

/* An answer of a flow of another device, which is judged there. */
static void answer(const struct flow *f, const struct flow_hook *h,
		   struct flow_answer *a)
{
	enum nfr_reason doubt = flow_doubt(f, h, &a->out.packet);

	if (f->hop[NFR_DIR_OUT] == h->device)
		doubt = NFR_REASON_ROUTE;
	if (doubt != NFR_REASON_NONE) {
		a->result = flow_blocks(doubt, f->rule);
		return;
	}
	a->result = (struct nfr_result){.verdict = NFR_PASS,
					.reason = NFR_REASON_STATE,
					.from_state = 1,
					.rule = f->rule};
	a->hop = f->hop[NFR_DIR_OUT];
	a->hop_at = f->hop_at[NFR_DIR_OUT];
}

/* A packet of the flow, and what it changes; false: it is too many. */
static bool take(struct flow_model *m, const struct flow_hook *h,
		 const struct trace_packet *p, struct flow **f)
{
	unsigned back = h->dir != (*f)->dir;
	bool is_later = p->is_piece && p->at;
	enum flow_phase phase =
		is_later ? (*f)->phase : next_phase(*f, back, p);

	if (phase != (*f)->phase) {
		(*f)->phase = phase;
		(*f)->timeout_ms = flow_timeout_ms(m->policy, *f);
	}
	if (!flow_limit_connect(m, h, f))
		return false;
	(*f)->seen_ms = h->now_ms;
	count_packet(*f, h);
	return true;
}

static void go_on(struct flow_model *m, const struct flow_hook *h,
		  const struct trace_frame *frame, const struct nfr_key *key,
		  struct flow *f, struct flow_answer *a)
{
	const struct trace_packet *p = &frame->packet;
	bool is_later = p->is_piece && p->at;
	struct nfr_key on_wire = *key;
	enum flow_fit fit = FLOW_FITS;

	if (!f->is_floating && f->device != h->device) {
		answer(f, h, a);
		return;
	}
	leave(f, h, &a->out.packet);
	if (h->dir == NFR_DIR_OUT) {
		const struct trace_ends *e = &a->out.packet.ends;

		memcpy(&on_wire.w[NFR_F_SRC0], e->src.w, 16);
		memcpy(&on_wire.w[NFR_F_DST0], e->dst.w, 16);
		if (p->proto == TRACE_TCP || p->proto == TRACE_UDP) {
			on_wire.w[NFR_F_SPORT] = e->sport;
			on_wire.w[NFR_F_DPORT] = e->dport;
		}
	}
	on_wire.w[NFR_F_BITS] &= ~NFR_BIT_LATER;
	a->result = model_judge_flow(m->policy, &on_wire, f->rule);
	if (a->result.verdict != NFR_PASS)
		return;
	if (p->proto == TRACE_TCP && !is_later && !f->is_sloppy)
		fit = flow_tcp_segment(f, h->dir != f->dir, p);
	if (fit == FLOW_MISFIT) {
		a->result = flow_blocks(NFR_REASON_TCP_WINDOW, f->rule);
		return;
	}
	if (fit == FLOW_FITS && !take(m, h, p, &f)) {
		a->result = flow_blocks(NFR_REASON_LIMIT, f->rule);
		flow_end(m, f);
		return;
	}
	flow_send(f, h, a);
}

/* ---- pieces of datagrams ---------------------------------------------------
 */

static struct flow_piece *piece_find(struct flow_model *m,
				     const struct flow_hook *h,
				     const struct trace_packet *p)
{
	for (size_t i = 0; i < m->piece_count; i++) {
		struct flow_piece *known = &m->pieces[i];
		const struct trace_packet *q = &known->first;

		if (h->now_ms > known->seen_ms + PIECE_SECONDS * 1000)
			continue;
		if (known->device == h->device && known->dir == h->dir &&
		    q->family == p->family && q->id == p->id &&
		    (p->family == FAMILY_IPV6 || q->proto == p->proto) &&
		    addr_compare(&q->ends.src, &p->ends.src) == 0 &&
		    addr_compare(&q->ends.dst, &p->ends.dst) == 0)
			return known;
	}
	return NULL;
}

static void piece_forget(struct flow_model *m, struct flow_piece *known)
{
	*known = m->pieces[--m->piece_count];
}

/* RFC 1858: what follows never reaches back over the header. */
static void note_first(struct flow_model *m, const struct flow_hook *h,
		       const struct trace_packet *p, const struct nfr_key *key,
		       const struct flow *f, const struct nfr_result *r)
{
	struct flow_piece *known = piece_find(m, h, p);
	uint32_t end = p->at + (uint32_t)p->len;

	if (known && known->end > end)
		end = known->end;
	if (known)
		piece_forget(m, known);
	if (r->verdict != NFR_PASS)
		return;
	if (m->piece_count == FLOW_PIECES)
		abort(); /* a trace has fewer */
	m->pieces[m->piece_count++] = (struct flow_piece){
		.device = h->device,
		.dir = h->dir,
		.first = *p,
		.key = *key,
		.ingress = h->ingress,
		.end = end,
		.seen_ms = h->now_ms,
		.has_flow = f != NULL,
		.flow = f ? *f : (struct flow){.rule = 0},
		.rule = r->rule,
		.loaded = m->loaded,
		.epoch = m->epoch,
	};
}

/*
 * What keeps a state, or needs one, is not for what has none: also where match
 * rules translated, and the rule that decided keeps none.
 */
static bool is_simple(const struct policy_rule *r, const struct nfr_key *key,
		      const struct model_outcome *o)
{
	const struct policy_effects *e = r->effects;

	if (e && !e->is_no &&
	    (e->nat || e->rdr || e->route_to || e->reply_to || e->dup_to))
		return false;
	if (memcmp(&key->w[NFR_F_SRC0], &o->seen.w[NFR_F_SRC0], 16) != 0 ||
	    memcmp(&key->w[NFR_F_DST0], &o->seen.w[NFR_F_DST0], 16) != 0)
		return false;
	return !o->nat && !o->rdr &&
	       !(r->keeps_state && (r->state || r->is_floating));
}

/* Without a flow: the rule that passed the first, or that would now. */
static void later_by_rule(struct flow_model *m, const struct flow_hook *h,
			  const struct nfr_key *key, struct flow_piece *known,
			  struct flow_answer *a)
{
	const struct policy_rule *rule;

	if (known->loaded != m->loaded ||
	    (known->epoch != m->epoch && flow_overloads(m->policy))) {
		const struct model_context none = model_no_context();
		struct model_outcome o;

		if (m->asks_tags) { /* it is not known */
			piece_forget(m, known);
			return;
		}
		flow_place_key(m->policy,
			       &(struct flow_hook){.names = h->names,
						   .device = h->device,
						   .ingress = known->ingress,
						   .dir = known->dir},
			       &known->key);
		model_evaluate(m->policy, &known->key, &none, &o);
		rule = &m->policy->rules[o.decider];
		if (!rule->is_pass || !is_simple(rule, &known->key, &o) ||
		    (known->key.w[NFR_F_BITS] & NFR_BIT_OPTIONS &&
		     !rule->allows_opts)) {
			piece_forget(m, known);
			return;
		}
		known->rule = o.decider;
		known->loaded = m->loaded;
		known->epoch = m->epoch;
	}
	a->result = model_judge_flow(m->policy, key, known->rule);
	a->result.from_state = 0;
	if (a->result.verdict == NFR_PASS)
		a->result.reason = m->policy->rules[known->rule].is_default
					   ? NFR_REASON_DEFAULT
					   : NFR_REASON_RULE;
}

static void judge_later(struct flow_model *m, const struct flow_hook *h,
			const struct trace_frame *frame, struct nfr_key *key,
			struct flow_answer *a)
{
	static const unsigned of_first[] = {NFR_F_PROTO, NFR_F_SPORT,
					    NFR_F_DPORT, NFR_F_TCPFLAGS,
					    NFR_F_ICMP};
	struct flow_piece *known = piece_find(m, h, &frame->packet);
	struct flow *f = NULL;

	a->result = flow_blocks(NFR_REASON_FRAGMENT, NFR_NO_RULE);
	if (!known)
		return;
	if (frame->packet.at < known->end) {
		a->result.reason = NFR_REASON_OVERLAP;
		return;
	}
	for (size_t i = 0; i < sizeof(of_first) / sizeof(*of_first); i++)
		key->w[of_first[i]] = known->key.w[of_first[i]];
	key->w[NFR_F_BITS] &= ~NFR_BIT_LATER;
	if (!known->has_flow) {
		later_by_rule(m, h, key, known, a);
		return;
	}
	for (size_t i = 0; i < m->count && !f; i++)
		if (flow_same_wire(&m->flows[i], &known->flow))
			f = &m->flows[i];
	f = judged(m, h, f);
	if (f)
		go_on(m, h, frame, key, f, a);
}

/* ---- errors ---------------------------------------------------------------
 */

/* As if it were a packet that answers the quoted one. */
static struct nfr_key answer_key(const struct flow *f,
				 const struct flow_hook *h,
				 const struct trace_packet *quoted,
				 const struct nfr_key *key)
{
	struct trace_ends e = turned(&f->wire, h->dir != f->dir);
	struct nfr_key out = *key;

	out.w[NFR_F_PROTO] = f->proto;
	out.w[NFR_F_ICMP] = 0;
	if (f->proto == TRACE_TCP || f->proto == TRACE_UDP) {
		out.w[NFR_F_SPORT] = e.sport;
		out.w[NFR_F_DPORT] = e.dport;
	}
	if (f->proto == TRACE_ICMP)
		out.w[NFR_F_ICMP] = quoted->type == 8 ? 0 : 8 << 8;
	if (f->proto == TRACE_ICMP6)
		out.w[NFR_F_ICMP] = (quoted->type == 128 ? 129u : 128u) << 8;
	return out;
}

/*
 * What is quoted gets its other addresses; the error goes to who sent it, and
 * seems to come from the end that it comes from, or from the near end.
 */
static void leave_error(const struct flow *f, const struct flow_hook *h,
			const struct trace_frame *frame,
			struct trace_frame *out)
{
	enum nfr_dir other = h->dir == NFR_DIR_IN ? NFR_DIR_OUT : NFR_DIR_IN;
	bool is_from_end = addr_compare(&frame->packet.ends.src,
					&frame->quoted.ends.dst) == 0;

	if (!f->is_translated)
		return;
	out->quoted.ends = turned(form_of(f, other), other != f->dir);
	out->packet.ends.dst = out->quoted.ends.src;
	if (is_from_end || h->dir == NFR_DIR_OUT)
		out->packet.ends.src = out->quoted.ends.dst;
}

/* False: it is of no flow. */
static bool judge_error(struct flow_model *m, const struct flow_hook *h,
			const struct trace_frame *frame,
			const struct nfr_key *key, struct flow_answer *a)
{
	const struct trace_packet *q = &frame->quoted;
	enum nfr_dir went = h->dir == NFR_DIR_IN ? NFR_DIR_OUT : NFR_DIR_IN;
	struct nfr_key seen = *key;
	struct flow *f;

	if (addr_compare(&frame->packet.ends.dst, &q->ends.src) != 0)
		return false;
	f = judged(m, h, find(m, h, went, h->dir, q, true));
	if (!f)
		return false;
	if (f->proto == TRACE_TCP &&
	    !flow_tcp_was_sent(f, went != f->dir, q->seq)) {
		a->result = flow_blocks(NFR_REASON_TCP_WINDOW, f->rule);
		return true;
	}
	leave_error(f, h, frame, &a->out);
	if (h->dir == NFR_DIR_OUT) {
		memcpy(&seen.w[NFR_F_SRC0], a->out.packet.ends.src.w, 16);
		memcpy(&seen.w[NFR_F_DST0], a->out.packet.ends.dst.w, 16);
	}
	a->result = model_judge_flow(m->policy, &seen, f->rule);
	if (a->result.reason == NFR_REASON_GUARD) {
		seen = answer_key(f, h, q, &seen);
		a->result = model_judge_flow(m->policy, &seen, f->rule);
	}
	if (a->result.verdict == NFR_PASS)
		count_packet(f, h);
	return true;
}

/* ---- any packet -----------------------------------------------------------
 */

void flow_model_begin(struct flow_model *m)
{
	m->count = m->piece_count = m->source_count = 0;
	m->has_swept = m->has_flushed = false;
}

void flow_model_load(struct flow_model *m, const struct policy *policy,
		     bool asks_tags)
{
	m->asks_tags = asks_tags;
	m->loaded_policy = policy;
	m->loaded++;
	flow_tables_load(m);
}

void flow_model_judge(struct flow_model *m, const struct flow_hook *h,
		      const struct trace_frame *frame,
		      const struct flow_seen *seen, struct flow_answer *a)
{
	const struct trace_packet *p = &frame->packet;
	struct nfr_key key;
	struct flow *f;

	memset(a, 0, sizeof(*a));
	a->out = *frame;
	a->hop = a->copy = FLOW_NOWHERE;
	forget_dead(m, h->now_ms);
	flow_key(m, h, p, &key);
	if (p->is_piece && p->at) {
		judge_later(m, h, frame, &key, a);
		return;
	}
	if (p->proto == TRACE_TCP && !flow_tcp_is_sent(p)) {
		a->result = flow_blocks(NFR_REASON_TCP_FLAGS, NFR_NO_RULE);
		return;
	}
	f = find_judged(m, h, p);
	if (f) {
		go_on(m, h, frame, &key, f, a);
	} else if (!frame->is_error || !judge_error(m, h, frame, &key, a)) {
		f = flow_begin(m, h, frame, &key, seen, a);
	}
	if (p->is_piece)
		note_first(m, h, p, &key, f, &a->result);
}
