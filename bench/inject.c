/* SPDX-License-Identifier: BSD-2-Clause */
/* inject.c: one frame -> so many of it over a lab's cable, without sockets. */
#include "inject.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/embed.h"

static int inject_fail(const char *what, char error[MEASURE_ERROR_MAX])
{
	int err = errno ? -errno : -EIO;

	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

int inject_open(struct inject *out, char error[MEASURE_ERROR_MAX])
{
	size_t len;
	const void *elf = embed_bench(&len);
	struct bpf_object *object;

	*out = (struct inject){0};
	errno = 0;
	object = out->object = bpf_object__open_mem(elf, len, NULL);
	if (!object || bpf_object__load(object))
		return inject_fail("load what sends frames", error);
	out->prog = bpf_program__fd(
		bpf_object__find_program_by_name(object, "nfr_send_xdp"));
	out->device = bpf_object__find_map_fd_by_name(object, "bench_device");
	return 0;
}

void inject_close(struct inject *i)
{
	bpf_object__close(i->object);
	i->object = NULL;
}

/* A veth takes frames of XDP once it polls: with XDP of its own, or GRO. */
int inject_ready(const struct lab *lab, char error[MEASURE_ERROR_MAX])
{
	struct ethtool_value gro = {.cmd = ETHTOOL_SGRO, .data = 1};
	struct ifreq request = {.ifr_name = "far0", .ifr_data = (void *)&gro};
	int fd, ret = lab_enter(lab, LAB_FAR, error);

	if (ret)
		return ret;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCETHTOOL, &request))
		ret = inject_fail("GRO on far0", error);
	if (fd >= 0)
		close(fd);
	return ret;
}

int inject_send(const struct inject *i, const struct lab *lab,
		const struct craft *c, unsigned count, double *ns,
		char error[MEASURE_ERROR_MAX])
{
	static const __u8 macs[12] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
	__u8 frame[CRAFT_MAX];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
		    .data_size_in = (__u32)craft_frame(c, frame),
		    .repeat = (int)count, .flags = BPF_F_TEST_XDP_LIVE_FRAMES);
	__u32 zero = 0, device;
	int ret = lab_enter(lab, LAB_NEAR, error);

	if (ret)
		return ret;
	memcpy(frame, macs, sizeof(macs));
	device = if_nametoindex("near0");
	if (bpf_map_update_elem(i->device, &zero, &device, BPF_ANY))
		return inject_fail("fill a map", error);
	if (!bpf_prog_test_run_opts(i->prog, &opts)) {
		*ns = opts.duration;
		return 0;
	}
	if (errno == EINVAL)
		return inject_fail("frames of XDP (Linux 5.18 has them)",
				   error);
	return inject_fail("send frames", error);
}

int inject_taken(const struct lab *lab, uint64_t *out,
		 char error[MEASURE_ERROR_MAX])
{
	unsigned long long packets = 0;
	bool is_found = false;
	char line[512];
	FILE *file;
	int ret = lab_enter(lab, LAB_FAR, error);

	if (ret)
		return ret;
	file = fopen("/proc/self/net/dev", "re");
	while (file && !is_found && fgets(line, sizeof(line), file))
		is_found = sscanf(line, " far0: %*u %llu", &packets) == 1;
	if (file)
		fclose(file);
	*out = packets;
	return is_found ? 0 : inject_fail("count frames at far0", error);
}
