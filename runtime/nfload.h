/* SPDX-License-Identifier: BSD-2-Clause */
/* nfload.h: what the verbs of nfload share; one file a verb or a family. */
#ifndef NFR_NFLOAD_H
#define NFR_NFLOAD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "../compiler/compile.h"
#include "../compiler/image_edit.h"
#include "engine.h"
#include "json.h"
#include "meter.h"
#include "option_tables.h"

/* The command line, as main() understood it. */
#define PORTAL_DNS_MAX 8u

struct nfload {
	enum nfload_verb verb;
	const char *file;      /* "-" is standard input; NULL: none was given */
	const char *topic;     /* of show, completion and help, or NULL */
	char *const *operands; /* of table, kill and show: all of them */
	int operand_count;
	struct compile_options compile;
	const char *bpffs;
	const char *output;
	const char *stage;
	const char *leave;		 /* NULL: not given */
	const char *state;		 /* where history is; NULL: nowhere */
	uint32_t every_ms;		 /* of watch */
	bool or_block;			 /* of restore */
	bool is_end;			 /* of portal */
	const char *dns[PORTAL_DNS_MAX]; /* of portal, as given */
	size_t dns_count;
	const char *read_path, *write_path;
	const char *on; /* NULL: not given */
	enum nfr_dir dir;
	struct engine_options engine;
	struct meter *meter;
	unsigned verbose;
	bool is_quiet;
	bool is_dry_run;
	bool is_all, is_count;		 /* of kill, of show states */
	bool use_color, use_error_color; /* of stdout, of stderr */
	json_t *json; /* the document of --json, or NULL: text */
};

/* Every verb returns an enum tool_exit. */
int verb_check(struct nfload *);
int verb_print(struct nfload *);
int verb_convert(struct nfload *);
int verb_compile(struct nfload *);
int verb_dump(struct nfload *);
int verb_apply(struct nfload *);
int verb_show(struct nfload *);
int verb_table(struct nfload *);
int verb_kill(struct nfload *);
int verb_confirm(struct nfload *);
int verb_rollback(struct nfload *);
int verb_history(struct nfload *);
int verb_restore(struct nfload *);
int verb_portal(struct nfload *);
int verb_watch(struct nfload *);
int verb_status(struct nfload *);
int verb_unload(struct nfload *);
int verb_filter(struct nfload *);
int verb_completion(struct nfload *);
int verb_help(struct nfload *);

/* ---- verb_states.c: what "nfload show" leaves to it ---------------------- */

int show_states(struct nfload *);
int show_info(struct nfload *, struct engine *);
/* verb_table_counts.c: slots and counts are those of the image. */
void table_print_counts(struct nfload *, const struct image *, __u32 table,
			const __u32 *slots, const struct nfr_count *counts);
/* verb_tables.c */
int show_tables(struct nfload *, struct engine *);

/* ---- verb_report.c: messages, in text or in the JSON document ----------- */

/* "nfload: error: ..." on standard error; returns status. */
int report_fail(struct nfload *, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with the engine's sentence, hint and log. */
int report_engine(struct nfload *, int status, const struct engine_error *);
void report_hint(struct nfload *, const char *hint);
/* "nfload: warning: ..."; said with -q too. */
void report_note(struct nfload *, const char *note);
/* The line that closes the output: standard error after a failure. */
void report_summary(struct nfload *, bool is_failure, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* What the stages so far took, with -v on standard output, and as JSON. */
void report_stages(struct nfload *);
/* Where a verb writes its text: standard output, or the field "text". */
struct report_text {
	FILE *out;
	char *text;
	size_t len;
};
void report_open(struct nfload *, struct report_text *);
void report_close(struct nfload *, struct report_text *);
/* "3 rules", "1 rule". Returns out. */
#define COUNT_TEXT_MAX 48
const char *report_count(char out[COUNT_TEXT_MAX], size_t count,
			 const char *what);

/* ---- verb_input.c: FILE, a policy or an image --------------------------- */

struct input {
	struct compilation *compilation; /* NULL: it was an image */
	void *bytes;			 /* of an image that was read */
	struct image image;
	void *localised; /* bytes of the image after input_localise(), or NULL
			  */
	const char *failure; /* what was wrong: "2 errors, 1 warning" */
};

#define INPUT_TEXT_ONLY 1u /* an image will not do */

/* 0, or an exit status after saying what is wrong, but for the last line. */
int input_read(struct nfload *, unsigned flags, struct input *);
/* What input_read() shows by itself, unless it is for "convert". */
void input_show(struct nfload *, const struct diag *);
/* Frees also what a failed input_read() left. */
void input_free(struct input *);
/* "vpn.nfr: 9 rules, 11 guard rules, 1 table, 3 interfaces; 240 instructions"
 */
#define INPUT_SUMMARY_MAX 512
const char *input_summary(struct nfload *, const struct input *,
			  char out[INPUT_SUMMARY_MAX]);
/*
 * What depends on this host and on what is in force: tables of interfaces'
 * addresses, and tables that keep what they hold. 0, or an exit status after
 * saying what is wrong, but for the last line.
 */
int input_localise(struct nfload *, struct input *);
/*
 * Tables were changed: says which assert, or what of the tunnel's contract,
 * after would break, with a packet. 0 when none was found, or an exit status.
 */
int refuse_broken(struct nfload *, const struct image *before,
		  const struct image *after);
/* Fills the fields "file" and "policy". */
void input_put(struct nfload *, const struct input *);
/* The canonical statements, one a line, on standard output or as JSON. */
void input_print(struct nfload *, const struct input *);

/*
 * The image of in, which was read, in force here: localised, loaded, and said.
 * With options.trial_ms on trial, else noted in the history.
 */
int apply_input(struct nfload *, struct input *);
/*
 * Tables of interfaces' addresses -> as they are now; a tunnel of the policy in
 * force keeps its name there. NULL bytes: no change.
 */
int localise_refill(struct nfload *, struct engine *, const struct image *,
		    __u8 **bytes, struct image *out);

/* ---- verb_history.c ------------------------------------------------------ */

/* Notes the image in force as confirmed; what fails is only a warning. */
void history_note(struct nfload *);
/* By number or hash; 0, or an exit status. Free in by input_free(). */
int history_image(struct nfload *, const char *which, struct input *in);
/* The last that is another policy than image. */
int history_other(struct nfload *, const struct image *, struct input *in);

/* ---- verb_trial.c -------------------------------------------------------- */

/* Says, or on a terminal asks, what becomes of the policy on trial. */
int trial_wait(struct nfload *, const struct engine_report *);
void trial_put(struct nfload *, const struct engine_pending *);
/* "generation 6", or what nothing was. Returns out. */
#define TRIAL_BEFORE_MAX 64
const char *trial_before(const struct engine_pending *,
			 char out[TRIAL_BEFORE_MAX]);

/* ---- verb_portal.c ------------------------------------------------------- */

/* 0, EXIT_NO when none is open, or an exit status; says so. */
int portal_close(struct nfload *, bool is_asked);

/* ---- verb_force.c: what is in force ------------------------------------- */

#define FORCE_TEXT_MAX 640

/* Looks: "generation 6 stays in force", "nothing is in force", "what is in
 * force is unknown (needs root)". */
void force_look(struct nfload *, char out[FORCE_TEXT_MAX]);
/* The same after the engine failed with rc. */
void force_after(struct nfload *, int rc, const struct engine_error *,
		 char out[FORCE_TEXT_MAX]);

/* ---- verb_devices.c: devices and hooks as text, table and JSON ---------- */

void devices_print_table(struct nfload *, const struct engine_devices *);
/* "eth0 in xdp-native, out tcx; wg0 in tcx, out tcx" */
void devices_print_brief(const struct engine_devices *, FILE *);
void devices_put(struct nfload *, const struct engine_devices *);
bool device_is_guarded(const struct engine_device *);

#endif
