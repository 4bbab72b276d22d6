/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hole_fill.c: the datapath's object, and code -> the object with it inside.
 *
 * The bytes of the object are changed before libbpf sees them: as many
 * instructions as there were, so all that is said of them (types, lines,
 * relocations) stays right. Code is at the hole's end. What is left in front
 * is behind a jump that is always taken, which the verifier knows, as the
 * scratch is there; so it costs nothing, and is removed.
 */
#include "hole_fill.h"

#include <errno.h>
#include <sha2.h>
#include <stdlib.h>
#include <string.h>

#include "hole.h"
#include "rodata.h"

static bool is_mark(const char *at, __s32 number)
{
	const struct bpf_insn mark = {.code = BPF_ALU64 | BPF_MOV | BPF_K,
				      .dst_reg = BPF_REG_0,
				      .imm = number};

	return !memcmp(at, &mark, sizeof(mark));
}

static void fill(struct bpf_insn *insns, const struct native_code *code)
{
	size_t rest = HOLE_INSNS - code->count;

	insns[0] = (struct bpf_insn){.code = BPF_JMP | BPF_JNE | BPF_K,
				     .dst_reg = BPF_REG_1,
				     .off = (__s16)(rest - 1)};
	for (size_t i = 1; i < rest - 2; i++)
		insns[i] = (struct bpf_insn){.code = BPF_JMP | BPF_JA};
	insns[rest - 2] = (struct bpf_insn){.code = BPF_ALU | BPF_MOV | BPF_K,
					    .dst_reg = BPF_REG_0,
					    .imm = (__s32)NATIVE_NONE};
	insns[rest - 1] = (struct bpf_insn){.code = BPF_JMP | BPF_JA,
					    .off = (__s16)code->count};
	memcpy(insns + rest, code->insns, code->count * sizeof(*insns));
}

/*
 * How many holes there were; 0 too if one is not whole, as it would find rules
 * that there are not. Sections of code begin at multiples of 8.
 */
static unsigned fill_all(char *bytes, size_t len,
			 const struct native_code *code)
{
	const size_t size = HOLE_INSNS * sizeof(struct bpf_insn),
		     last = size - sizeof(struct bpf_insn);
	unsigned count = 0;

	for (size_t at = 0; at + sizeof(struct bpf_insn) <= len;
	     at += sizeof(struct bpf_insn)) {
		if (is_mark(bytes + at, HOLE_END))
			return 0;
		if (!is_mark(bytes + at, HOLE_BEGIN))
			continue;
		if (len - at < size || !is_mark(bytes + at + last, HOLE_END))
			return 0;
		fill((struct bpf_insn *)(void *)(bytes + at), code);
		at += last;
		count++;
	}
	return count;
}

__u64 hole_number(const struct native_code *code)
{
	__u64 hash[SHA256_DIGEST_LENGTH / sizeof(__u64)];
	SHA2_CTX ctx;

	SHA256Init(&ctx);
	SHA256Update(&ctx, (const void *)code->insns,
		     code->count * sizeof(*code->insns));
	SHA256Final((void *)hash, &ctx);
	return hash[0] ? hash[0] : 1;
}

/* libbpf has copied all it needs of the bytes when it has opened them. */
static int open_bytes(const void *bytes, size_t len, struct bpf_object **out)
{
	struct bpf_object *object = bpf_object__open_mem(bytes, len, NULL);

	if (!object)
		return -errno;
	*out = object;
	return 0;
}

int hole_open(const void *bytes, size_t len, const struct native_code *code,
	      struct bpf_object **out)
{
	struct bpf_object *object = NULL;
	char *filled;
	__u64 number;
	int ret;

	if (!code)
		return open_bytes(bytes, len, out);
	if (code->count > HOLE_CODE_MAX)
		return -E2BIG;
	filled = malloc(len);
	if (!filled)
		return -ENOMEM;
	memcpy(filled, bytes, len);
	number = hole_number(code);
	ret = fill_all(filled, len, code) ? open_bytes(filled, len, &object)
					  : -EPROTO;
	free(filled);
	if (ret)
		return ret;
	ret = rodata_set(object, ".rodata.hole", &number, sizeof(number));
	if (ret)
		bpf_object__close(object);
	else
		*out = object;
	return ret;
}
