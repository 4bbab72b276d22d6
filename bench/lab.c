/* SPDX-License-Identifier: BSD-2-Clause */
/* lab.c: two network namespaces with a cable between them, and a filter. */
#include "lab.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "filters.h"
#include "runtime/engine_states.h"
#include "workload.h"

#define BPFFS "/sys/fs/bpf"
#define CT_COUNT "/proc/sys/net/netfilter/nf_conntrack_count"

static int lab_fail(int err, const char *what, char error[MEASURE_ERROR_MAX])
{
	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

static int fail_engine(int err, const struct engine_error *why,
		       char error[MEASURE_ERROR_MAX])
{
	snprintf(error, MEASURE_ERROR_MAX, "%.300s%s%.150s", why->text,
		 *why->hint ? "; " : "", why->hint);
	return err;
}

/* ---- namespaces -------------------------------------------------------- */

int lab_begin(char error[MEASURE_ERROR_MAX])
{
	/* A command that is missing is gone before it read anything. */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR)
		return lab_fail(-errno, "SIGPIPE", error);
	if (unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return lab_fail(-errno, "a mount namespace", error);
	if (mount("bpf", BPFFS, "bpf", 0, NULL))
		return lab_fail(-errno, "a bpffs on " BPFFS, error);
	/* Where ip and nft are; a user's PATH may lack them. */
	if (setenv("PATH", "/usr/sbin:/sbin:/usr/bin:/bin", 1))
		return lab_fail(-errno, "PATH", error);
	return 0;
}

const char *lab_address(enum nfr_family family, enum lab_net net,
			enum lab_side side)
{
	static const char *const addresses[2][2][2] = {
		[LAB_CABLE] = {{LAB_NEAR4, LAB_NEAR6}, {LAB_FAR4, LAB_FAR6}},
		[LAB_TUNNEL] = {{LAB_NEAR_TUNNEL4, LAB_NEAR_TUNNEL6},
				{LAB_FAR_TUNNEL4, LAB_FAR_TUNNEL6}},
	};

	return addresses[net][side][family == NFR_FAMILY_IPV6];
}

int lab_enter(const struct lab *lab, enum lab_side side,
	      char error[MEASURE_ERROR_MAX])
{
	if (setns(lab->ns[side], CLONE_NEWNET))
		return lab_fail(-errno, "enter a network namespace", error);
	return 0;
}

/* script into the standard input of a command. */
static int feed(const char *command, const char *script,
		char error[MEASURE_ERROR_MAX])
{
	FILE *pipe = popen(command, "we");
	bool is_written = pipe && fputs(script, pipe) >= 0;
	int status = pipe ? pclose(pipe) : -1;

	if (is_written && status == 0)
		return 0;
	snprintf(error, MEASURE_ERROR_MAX, "\"%s\" failed%s", command,
		 WIFEXITED(status) && WEXITSTATUS(status) == 127
			 ? ": it is not installed"
			 : "");
	return status != -1 && WIFEXITED(status) && WEXITSTATUS(status) == 127
		       ? -ENOENT
		       : -EINVAL;
}

static int new_netns(int *out, char error[MEASURE_ERROR_MAX])
{
	if (unshare(CLONE_NEWNET))
		return lab_fail(-errno, "a network namespace", error);
	*out = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return *out < 0 ? lab_fail(-errno, "/proc/self/ns/net", error) : 0;
}

/* Neighbours are written down: nobody has to ask, which filters may block. */
static int lab_cable(struct lab *lab, char error[MEASURE_ERROR_MAX])
{
	static const char far[] =
		"link set lo up\n"
		"link set far0 up\n"
		"addr add " LAB_FAR4 "/24 dev far0\n"
		"addr add " LAB_FAR6 "/64 dev far0 nodad\n"
		"neigh add " LAB_NEAR4 " lladdr 02:00:00:00:00:01 dev far0\n"
		"neigh add " LAB_NEAR6 " lladdr 02:00:00:00:00:01 dev far0\n";
	static const char near[] =
		"link set lo up\n"
		"link set near0 up\n"
		"addr add " LAB_NEAR4 "/24 dev near0\n"
		"addr add " LAB_NEAR6 "/64 dev near0 nodad\n"
		"neigh add " LAB_FAR4 " lladdr 02:00:00:00:00:02 dev near0\n"
		"neigh add " LAB_FAR6 " lladdr 02:00:00:00:00:02 dev near0\n";
	char pair[256];
	int ret = new_netns(&lab->ns[LAB_FAR], error);

	if (!ret)
		ret = new_netns(&lab->ns[LAB_NEAR], error);
	snprintf(pair, sizeof(pair),
		 "link add near0 address 02:00:00:00:00:01 type veth peer name "
		 "far0 address 02:00:00:00:00:02 netns /proc/%d/fd/%d\n",
		 getpid(), lab->ns[LAB_FAR]);
	if (!ret)
		ret = feed("ip -batch -", pair, error);
	if (!ret)
		ret = feed("ip -batch -", near, error);
	if (!ret)
		ret = lab_enter(lab, LAB_FAR, error);
	return ret ? ret : feed("ip -batch -", far, error);
}

/* One port for both ways, so that what comes back is an answer. */
static int lab_tunnel(const struct lab *lab, char error[MEASURE_ERROR_MAX])
{
	static const char form[] =
		"link add tun0 address 02:00:00:00:01:0%d type vxlan id 7 "
		"local %s remote %s dev %s0 dstport " LAB_TUNNEL_PORT
		" srcport " LAB_TUNNEL_PORT " 4790\n"
		"link set tun0 up\n"
		"addr add %s/24 dev tun0\n"
		"addr add %s/64 dev tun0 nodad\n"
		"neigh add %s lladdr 02:00:00:00:01:0%d dev tun0\n"
		"neigh add %s lladdr 02:00:00:00:01:0%d dev tun0\n"
		"%s\n";
	static const char *const more[] = {
		"route add default via " LAB_FAR4,
		"addr add " LAB_OUTSIDE4 "/32 dev lo",
	};
	int ret = 0;

	for (int i = 0; i < 2 && !ret; i++) {
		enum lab_side side = i ? LAB_NEAR : LAB_FAR;
		enum lab_side there = i ? LAB_FAR : LAB_NEAR;
		enum nfr_family v4 = NFR_FAMILY_IPV4, v6 = NFR_FAMILY_IPV6;
		char script[1024];

		snprintf(script, sizeof(script), form, side + 1,
			 lab_address(v4, LAB_CABLE, side),
			 lab_address(v4, LAB_CABLE, there),
			 side == LAB_NEAR ? "near" : "far",
			 lab_address(v4, LAB_TUNNEL, side),
			 lab_address(v6, LAB_TUNNEL, side),
			 lab_address(v4, LAB_TUNNEL, there), there + 1,
			 lab_address(v6, LAB_TUNNEL, there), there + 1,
			 more[side]);
		ret = lab_enter(lab, side, error);
		if (!ret)
			ret = feed("ip -batch -", script, error);
	}
	return ret;
}

/* ---- filters ----------------------------------------------------------- */

static const char *hook_found(const struct lab *lab,
			      const struct engine_report *report,
			      enum nfr_dir dir)
{
	const char *name = lab->side == LAB_FAR ? "far0" : "near0";

	for (size_t i = 0; i < report->devices.count; i++) {
		const struct engine_device *d = &report->devices.items[i];

		if (!strcmp(d->name, name))
			return engine_mode_name(d->hook[dir].mode);
	}
	return "none";
}

/* Of what finds the rule, as it is in force. */
static int lab_bytes(struct lab *lab, const struct image *image,
		     enum engine_kind kind, struct engine_error *why)
{
	size_t form = image->insn_count * sizeof(*image->code);
	struct engine_status status;
	int ret = 0;

	if (kind == ENGINE_KIND_HASH)
		form += image->hash_len;
	if (kind == ENGINE_KIND_NATIVE || kind == ENGINE_KIND_INLINE) {
		ret = engine_status(lab->engine, &status, why);
		if (ret)
			return ret;
		form = status.code_insns * sizeof(struct bpf_insn);
		engine_status_free(&status);
	}
	lab->bytes = form + image->rule_count * sizeof(*image->rules);
	return 0;
}

static int lab_load(struct lab *lab, const struct image *image,
		    enum measure_loop loop, unsigned number,
		    char error[MEASURE_ERROR_MAX])
{
	struct engine_options options = {
		.loop = (enum engine_loop)loop,
		.no_xdp = lab->peer == LAB_NFR_TC,
		.any_xdp = lab->peer == LAB_NFR,
	};
	struct engine_report report = {0};
	struct engine_error why = {.text = ""};
	uint64_t start = clock_now_ns();
	char dir[64];
	int ret;

	snprintf(dir, sizeof(dir), BPFFS "/bench%u", number);
	ret = engine_apply(dir, image, &options, &report, &why);
	if (!ret) {
		lab->load_ms = clock_ms_since(start);
		bool is_in = lab->side == LAB_FAR;
		const char *in = hook_found(lab, &report, NFR_DIR_IN);
		const char *out = hook_found(lab, &report, NFR_DIR_OUT);

		snprintf(lab->hook, sizeof(lab->hook), "%s%s", is_in ? in : out,
			 is_in ? "-in" : "-out");
		snprintf(lab->hooks, sizeof(lab->hooks), "%s/%s", in, out);
		lab->engine_name = engine_kind_name(report.kind);
		if (report.kind == ENGINE_KIND_VM &&
		    report.loop == ENGINE_LOOP_HELPER)
			lab->engine_name = "vm-bpf_loop";
		ret = engine_open(dir, &lab->engine, &why);
		if (!ret)
			ret = lab_bytes(lab, image, report.kind, &why);
	}
	engine_report_free(&report);
	return ret ? fail_engine(ret, &why, error) : 0;
}

static int lab_policy(struct lab *lab, enum measure_loop loop, unsigned number,
		      const char *policy, char error[MEASURE_ERROR_MAX])
{
	struct compilation *compilation = NULL;
	struct image image;
	int ret = filters_compile_text(policy, strlen(policy), POLICY_FORM_AUTO,
				       &compilation, &image, error);

	if (!ret)
		ret = lab_load(lab, &image, loop, number, error);
	compile_free(&compilation);
	return ret;
}

static int lab_nfr(struct lab *lab, enum measure_loop loop, unsigned number,
		   const struct lab_rules *rules, char error[MEASURE_ERROR_MAX])
{
	struct workload w;
	int ret;

	if (rules && rules->policy)
		return lab_policy(lab, loop, number, rules->policy, error);
	if (rules)
		return lab_load(lab, rules->image, loop, number, error);
	ret = workload_new(1, true, &w);
	if (ret)
		return lab_fail(ret, "a policy", error);
	ret = lab_load(lab, &w.image, loop, number, error);
	workload_free(&w);
	return ret;
}

/*
 * Native XDP at far; the device keeps the program. With rules, it is their last
 * alone.
 */
static int lab_parse(struct lab *lab, bool has_rules,
		     char error[MEASURE_ERROR_MAX])
{
	struct subject floor;
	int prog, ret = subject_floor(&floor, error);

	if (ret)
		return ret;
	lab->engine_name = "parse";
	lab->load_ms = floor.load_ms;
	snprintf(lab->hook, sizeof(lab->hook), "xdp-native-in");
	prog = has_rules ? bpf_program__fd(bpf_object__find_program_by_name(
				   floor.object, "nfr_door_xdp"))
			 : floor.prog[MEASURE_XDP];
	ret = bpf_xdp_attach((int)if_nametoindex("far0"), prog,
			     XDP_FLAGS_DRV_MODE, NULL);
	subject_free(&floor);
	return ret ? lab_fail(ret, "attach to far0", error) : 0;
}

static int lab_nft(struct lab *lab, char error[MEASURE_ERROR_MAX])
{
	const char *hook = lab->side == LAB_FAR ? "input" : "output";
	char rules[256];

	snprintf(rules, sizeof(rules),
		 "table inet bench { chain bench { type filter hook %s "
		 "priority 0; policy drop; ct state established accept; "
		 "ct state new accept; }; }\n",
		 hook);
	lab->engine_name = "nft";
	snprintf(lab->hook, sizeof(lab->hook), "%s", hook);
	return feed("nft -f -", rules, error);
}

/* What the rules are for: what comes in, or what goes out. */
static int lab_peer(struct lab *lab, const struct lab_rules *rules,
		    char error[MEASURE_ERROR_MAX])
{
	bool is_in = lab->side == LAB_FAR;

	if (lab->peer == LAB_IPTABLES) {
		lab->engine_name = "iptables";
		snprintf(lab->hook, sizeof(lab->hook), "INPUT");
		return feed("iptables-restore", rules->iptables, error);
	}
	if (lab->peer == LAB_NFT_INGRESS) {
		lab->engine_name = "nft";
		snprintf(lab->hook, sizeof(lab->hook), "ingress");
		return feed("nft -f -", rules->nft_ingress, error);
	}
	snprintf(lab->hook, sizeof(lab->hook), is_in ? "input" : "output");
	if (lab->peer == LAB_NFT || lab->peer == LAB_NFT_OUT) {
		bool is_out = lab->peer == LAB_NFT_OUT;

		lab->engine_name = is_out ? "nft-out" : "nft";
		return feed("nft -f -", is_out ? rules->nft_out : rules->nft,
			    error);
	}
	lab->engine_name = "nft-map";
	/* It would print a whole set of filters. */
	return feed("nft -f - 2>/dev/null", rules->nft_map, error);
}

int lab_new(enum lab_peer peer, enum lab_side side, enum measure_loop loop,
	    unsigned number, const struct lab_rules *rules, struct lab *lab,
	    char error[MEASURE_ERROR_MAX])
{
	uint64_t start;
	int ret;

	*lab = (struct lab){.peer = peer,
			    .side = side,
			    .ns = {-1, -1},
			    .engine_name = "none",
			    .hook = "none"};
	ret = lab_cable(lab, error);
	if (!ret && rules && rules->has_tunnel)
		ret = lab_tunnel(lab, error);
	if (!ret)
		ret = lab_enter(lab, side, error);
	if (ret || peer == LAB_NONE)
		return ret;
	if (peer == LAB_PARSE)
		return lab_parse(lab, rules != NULL, error);
	if (peer == LAB_NFR || peer == LAB_NFR_TC)
		return lab_nfr(lab, loop, number, rules, error);
	if (peer == LAB_BARE) {
		lab->engine_name = "bare";
		snprintf(lab->hook, sizeof(lab->hook), "all");
		return bare_attach(&lab->bare, error);
	}
	start = clock_now_ns();
	ret = rules ? lab_peer(lab, rules, error) : lab_nft(lab, error);
	lab->load_ms = clock_ms_since(start);
	return ret;
}

void lab_free(struct lab *lab)
{
	engine_close(&lab->engine);
	bare_free(&lab->bare);
	for (int i = 0; i < 2; i++)
		if (lab->ns[i] >= 0)
			close(lab->ns[i]);
}

/* ---- what the filter knows --------------------------------------------- */

static int conntrack_count(uint64_t *count, char error[MEASURE_ERROR_MAX])
{
	FILE *file = fopen(CT_COUNT, "re");
	unsigned long value = 0;
	int ret = 0;

	if (!file || fscanf(file, "%lu", &value) != 1)
		ret = lab_fail(file ? -EINVAL : -errno, CT_COUNT, error);
	if (file)
		fclose(file);
	*count = value;
	return ret;
}

/* A delete without a name is a flush. */
static int conntrack_flush(char error[MEASURE_ERROR_MAX])
{
	char buffer[8192];
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer);
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	struct nfgenmsg *msg;
	ssize_t len = -1;

	nlh->nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = 1;
	msg = mnl_nlmsg_put_extra_header(nlh, sizeof(*msg));
	msg->nfgen_family = AF_UNSPEC;
	msg->version = NFNETLINK_V0;
	if (nl && !mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) &&
	    mnl_socket_sendto(nl, nlh, nlh->nlmsg_len) > 0)
		len = mnl_socket_recvfrom(nl, buffer, sizeof(buffer));
	if (len > 0)
		len = mnl_cb_run(buffer, (size_t)len, 1,
				 mnl_socket_get_portid(nl), NULL, NULL);
	len = len < 0 ? -errno : 0;
	if (nl)
		mnl_socket_close(nl);
	return len ? lab_fail((int)len, "flush conntrack", error) : 0;
}

int lab_states(const struct lab *lab, uint64_t *count,
	       char error[MEASURE_ERROR_MAX])
{
	struct engine_states states = {0};
	struct engine_error why = {.text = ""};
	int ret = 0;

	if (lab->peer == LAB_NFT)
		return conntrack_count(count, error);
	/* Not control.states, which is exact after a sweep only. */
	if (lab->engine)
		ret = engine_states(lab->engine, &states, &why);
	*count = states.count;
	engine_states_free(&states);
	return ret ? fail_engine(ret, &why, error) : 0;
}

int lab_forget(const struct lab *lab, char error[MEASURE_ERROR_MAX])
{
	struct engine_states states = {0};
	struct engine_error why = {.text = ""};
	int ret;

	if (lab->peer == LAB_NFT)
		return conntrack_flush(error);
	if (!lab->engine)
		return 0;
	ret = engine_states(lab->engine, &states, &why);
	for (size_t i = 0; i < states.count && ret >= 0; i++)
		ret = engine_state_end(lab->engine, &states.items[i], &why);
	engine_states_free(&states);
	return ret < 0 ? fail_engine(ret, &why, error) : 0;
}
