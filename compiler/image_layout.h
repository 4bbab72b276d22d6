/* SPDX-License-Identifier: BSD-2-Clause */
/* image_layout.h: where the sections of an image lie, for its writer and its
 * reader. */
#ifndef NFR_IMAGE_LAYOUT_H
#define NFR_IMAGE_LAYOUT_H

#include "image.h"

#define IMAGE_ALIGN 8u
#define IMAGE_NO_FILE 0xffffffffu

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "images are little-endian and read in place");
_Static_assert(sizeof(struct image_header) == 240, "image_header");
_Static_assert(sizeof(struct image_ruleinfo) == 32, "image_ruleinfo");
_Static_assert(sizeof(struct image_table) == 16, "image_table");
_Static_assert(sizeof(struct image_entry) == 24, "image_entry");
_Static_assert(sizeof(struct image_iface) == 16, "image_iface");
_Static_assert(sizeof(struct image_assert) == 24, "image_assert");
_Static_assert(sizeof(struct image_exclude) == 56, "image_exclude");
_Static_assert(sizeof(struct image_pool_addr) == 48, "image_pool_addr");
_Static_assert(sizeof(struct image_config) == 8 + 4 * NFR_TIMEOUT_COUNT,
	       "image_config");

extern const size_t image_item_len[IMAGE_SECTIONS];
extern const char *const image_section_name[IMAGE_SECTIONS];

/*
 * Sections follow the header in order, each at the next multiple of
 * IMAGE_ALIGN, so their counts say where each of them must be. Fills in
 * offset[]; returns the length of the image.
 */
uint64_t image_layout(const __u32 count[IMAGE_SECTIONS],
		      uint64_t offset[IMAGE_SECTIONS]);
/* Of all bytes, as if the header's hash were zero. */
void image_hash(const void *bytes, size_t len, __u8 out[IMAGE_HASH_LEN]);
/* <0, 0 or >0: the order in which entries are stored, each once. */
int image_entry_compare(const struct image_entry *, const struct image_entry *);

/*
 * NFR_CONFIG_*: what some action does, or some instruction asks for. entry has
 * NFR_ENTRIES; the guard's programs are behind those of the rules, unless they
 * are the same.
 */
__u32 image_config_flags(const struct nfr_action *, size_t action_count,
			 const struct nfr_insn *, size_t insn_count,
			 const __u32 *entry);

/* image_early.c: NFR_CONFIG_EARLY. */
bool image_is_early(const struct nfr_insn *, size_t count, const __u32 *entry);

/* image_check.c: tags, actions, pools and config. */
int image_check_effects(const struct image *, char error[IMAGE_ERROR_MAX]);

/* Says what is damaged in error; returns -EBADMSG. */
int image_refuse(char error[IMAGE_ERROR_MAX], const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* verify.c: an instruction's operands by themselves; NULL when they are in
 * order. RET has one below rets. */
const char *verify_operands(const struct image *, const struct nfr_insn *,
			    __u32 rets);
/* verify_hash.c: the data form: every place in it is one, every rule decides.
 */
int verify_hash(const struct image *, char error[IMAGE_ERROR_MAX]);
/* verify_contract.c: the asserts' code, and what is excluded. */
int verify_contract(const struct image *, char error[IMAGE_ERROR_MAX]);

#endif
