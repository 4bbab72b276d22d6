/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tunnel_peer.c: "peer" of a tunnel -> the public keys that its device may have
 * as peers. Keys are base64 (RFC 4648 4) of 32 bytes, as wg(8) prints them.
 */
#include "tunnel.h"

#include <string.h>

#define KEY_TEXT_LEN 44u

/* 43 digits and "="; the last digit has two bits that nothing means. */
static bool is_key(const char *text)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *last;

	if (strlen(text) != KEY_TEXT_LEN || text[KEY_TEXT_LEN - 1] != '=' ||
	    strspn(text, digits) != KEY_TEXT_LEN - 1)
		return false;
	last = strchr(digits, text[KEY_TEXT_LEN - 2]);
	return ((last - digits) & 3) == 0;
}

bool tunnel_peer_is_sound(struct tunnel *t, const struct tunnel_clause *clause)
{
	struct policy_iface *iface =
		&t->check->policy->ifaces[t->device.ifid - 1];
	bool ok = true;

	for (const struct ast_word *w = clause->ast->words; w; w = w->next) {
		if (is_key(w->text)) {
			iface->peers =
				arena_printf(t->check->arena, "%s%s%s",
					     iface->peers ? iface->peers : "",
					     iface->peers ? " " : "", w->text);
			continue;
		}
		ok = false;
		diag_error(t->check->diag, w->span, "value",
			   "\"%s\" is not a WireGuard public key", w->text);
		diag_hint(
			t->check->diag,
			"44 characters in quotes, as \"wg show\" prints them");
	}
	return ok;
}
