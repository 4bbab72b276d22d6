/* SPDX-License-Identifier: BSD-2-Clause */
/* flow.c: a flow with a state in the maps of a subject, for test runs. */
#include "flow.h"

#include <string.h>

#define PORT_FIRST 20000
#define PORT_FAR 443

static enum measure_hook other_hook(enum measure_hook hook)
{
	return hook == MEASURE_OUT ? MEASURE_IN : MEASURE_OUT;
}

/* 10.0.0.1 to 192.0.2.2, or 2001:db8::1 to 2001:db8:1::2 */
static void flow_name(enum nfr_family family, struct craft *c)
{
	static const __u8 ipv4[][4] = {{10, 0, 0, 1}, {192, 0, 2, 2}};
	static const __u8 ipv6[][16] = {
		{0x20, 0x01, 0x0d, 0xb8, [15] = 1},
		{0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 2}};

	c->family = family;
	if (family == NFR_FAMILY_IPV4) {
		memcpy(c->src, ipv4[0], 4);
		memcpy(c->dst, ipv4[1], 4);
	} else {
		memcpy(c->src, ipv6[0], 16);
		memcpy(c->dst, ipv6[1], 16);
	}
}

/* out: NULL, or what became of the frame. */
static int flow_send(const struct subject *s, enum measure_hook hook,
		     const struct craft *c, __u8 *out,
		     char error[MEASURE_ERROR_MAX])
{
	__u8 frame[CRAFT_MAX];
	size_t len = craft_frame(c, frame);
	double ns;

	return subject_run(s, hook, frame, len, 1, &ns, out, error);
}

/* The answer goes to where the frame that left comes from. */
static void flow_learn(struct craft *answer, const __u8 *left)
{
	const __u8 *ip = left + CRAFT_ETHER;
	const __u8 *port = ip + craft_transport(answer);

	if (answer->family == NFR_FAMILY_IPV4)
		memcpy(answer->dst, ip + 12, 4);
	else
		memcpy(answer->dst, ip + 8, 16);
	answer->dport = (__u16)(port[0] << 8 | port[1]);
}

static int flow_handshake(const struct subject *s, enum measure_hook hook,
			  struct craft *first, struct craft *answer,
			  bool is_nat, char error[MEASURE_ERROR_MAX])
{
	__u8 left[CRAFT_MAX] = {0};
	int ret;

	first->flags = CRAFT_SYN;
	answer->flags = CRAFT_SYN | CRAFT_ACK;
	answer->ack = first->seq + 1;
	ret = flow_send(s, hook, first, left, error);
	if (!ret && is_nat)
		flow_learn(answer, left);
	if (!ret)
		ret = flow_send(s, other_hook(hook), answer, NULL, error);
	first->ack = ++answer->seq;
	answer->ack = ++first->seq;
	first->flags = answer->flags = CRAFT_ACK;
	if (!ret)
		ret = flow_send(s, hook, first, NULL, error);
	if (!ret)
		ret = flow_send(s, other_hook(hook), answer, NULL, error);
	return ret;
}

/* What is measured: it fills the frame. */
static void flow_fill(struct flow *f)
{
	__u8 frame[CRAFT_MAX];

	f->there.data_len = craft_fill(&f->there, BENCH_FRAME_LEN);
	craft_frame(&f->there, frame);
	memcpy(f->frame.words, frame, sizeof(f->frame.words));
	if (f->there.proto != CRAFT_TCP)
		return;
	f->frame.seq_at = (__u32)(CRAFT_ETHER + craft_transport(&f->there) + 4);
	f->frame.seq_step = (__u32)f->there.data_len;
}

int flow_open(const struct subject *s, enum nfr_family family, __u8 proto,
	      enum measure_hook hook, bool is_nat, bool is_piece,
	      unsigned number, struct flow *f, char error[MEASURE_ERROR_MAX])
{
	/* A translated flow begins on its way out. */
	bool is_turned = is_nat && hook != MEASURE_OUT;
	struct craft *first = is_turned ? &f->back : &f->there;
	struct craft *answer = is_turned ? &f->there : &f->back;
	int ret;

	*f = (struct flow){.hook = hook, .is_nat = is_nat};
	first->proto = proto;
	first->sport = (__u16)(PORT_FIRST + number);
	first->dport = PORT_FAR;
	first->seq = 0x10000000;
	flow_name(family, first);
	craft_turn(first, answer);
	if (is_piece) {
		first->piece = CRAFT_FIRST;
		first->id = number + 1;
		first->data_len = CRAFT_PIECE - 8;
		ret = flow_send(s, hook, first, NULL, error);
		first->piece = CRAFT_LATER;
	} else {
		ret = flow_handshake(s, is_turned ? other_hook(hook) : hook,
				     first, answer, is_nat, error);
	}
	flow_fill(f);
	return ret;
}

int flow_acknowledge(const struct subject *s, struct flow *f,
		     char error[MEASURE_ERROR_MAX])
{
	const __u8 *seq = (const __u8 *)f->frame.words + f->frame.seq_at;

	if (!f->frame.seq_at)
		return 0;
	f->back.ack = ((__u32)seq[0] << 24 | (__u32)seq[1] << 16 |
		       (__u32)seq[2] << 8 | seq[3]) +
		      f->frame.seq_step;
	return flow_send(s, other_hook(f->hook), &f->back, NULL, error);
}
