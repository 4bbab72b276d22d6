/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine_pcap.c: a capture file through the native datapath: what passes is
 * written as it would go on, rewritten where it is translated; everything is
 * counted.
 */
#include "engine_pcap.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "datapath_user.h"

#define PCAP_IFINDEX 1

/* How a link type's frames become frames that the datapath knows. */
struct link_type {
	int dlt;
	enum nfr_link link;
	unsigned skipped; /* bytes before the frame */
	int ethertype_at; /* >= 0: cooked; an Ethernet header is made up */
};

static const struct link_type link_types[] = {
	{DLT_EN10MB, NFR_LINK_ETHER, 0, -1},
	{DLT_RAW, NFR_LINK_RAW, 0, -1},
	{DLT_IPV4, NFR_LINK_RAW, 0, -1},
	{DLT_IPV6, NFR_LINK_RAW, 0, -1},
	{DLT_NULL, NFR_LINK_RAW, 4, -1},
	{DLT_LOOP, NFR_LINK_RAW, 4, -1},
	{DLT_LINUX_SLL, NFR_LINK_ETHER, 16, 14},
	{DLT_LINUX_SLL2, NFR_LINK_ETHER, 20, 0},
};

/* Bytes that grow with what has to lie in them. */
struct space {
	unsigned char *bytes;
	size_t len;
};

struct job {
	const struct engine_pcap_options *options;
	struct engine_pcap_counts *counts;
	char *error;
	FILE *in;
	pcap_t *pcap;
	int precision;
	const struct link_type *type;
	FILE *out;
	bool owns_out; /* a regular file that we began */
	pcap_t *out_pcap;
	pcap_dumper_t *dumper;
	struct datapath *datapath;
	struct space cooked; /* an Ethernet header and the packet */
	struct space left;   /* the packet as it goes on, to be written */
};

__attribute__((format(printf, 3, 4))) static int
job_fail(const struct job *job, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(job->error, ENGINE_PCAP_ERROR_MAX, fmt, args);
	va_end(args);
	return err;
}

static const char *in_name(const struct job *job)
{
	return strcmp(job->options->in_path, "-") == 0 ? "standard input"
						       : job->options->in_path;
}

static const char *out_name(const struct job *job)
{
	return strcmp(job->options->out_path, "-") == 0
		       ? "standard output"
		       : job->options->out_path;
}

/* ---- input ------------------------------------------------------------- */

/*
 * libpcap scales time stamps to what it is asked for and does not tell what
 * the file has; so the first word of the file tells. pcapng may have either.
 */
static int read_precision(FILE *in)
{
	static const unsigned char micro[2][4] = {{0xa1, 0xb2, 0xc3, 0xd4},
						  {0xd4, 0xc3, 0xb2, 0xa1}};
	unsigned char magic[4];
	size_t len = fread(magic, 1, sizeof(magic), in);

	for (size_t i = len; i-- > 0;)
		if (ungetc(magic[i], in) == EOF)
			return -EIO;
	if (len == sizeof(magic) && (memcmp(magic, micro[0], 4) == 0 ||
				     memcmp(magic, micro[1], 4) == 0))
		return PCAP_TSTAMP_PRECISION_MICRO;
	return PCAP_TSTAMP_PRECISION_NANO;
}

static int job_open_in(struct job *job)
{
	const char *path = job->options->in_path;
	char text[PCAP_ERRBUF_SIZE] = "";
	struct stat st;
	int link;

	job->in = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
	if (!job->in || fstat(fileno(job->in), &st))
		return job_fail(job, -errno, "%s: %m", path);
	if (S_ISDIR(st.st_mode))
		return job_fail(job, -EISDIR, "%s: is a directory", path);
	job->precision = read_precision(job->in);
	if (job->precision < 0)
		return job_fail(job, -EIO, "%s: can not be read", in_name(job));
	job->pcap = pcap_fopen_offline_with_tstamp_precision(
		job->in, (u_int)job->precision, text);
	if (!job->pcap)
		return job_fail(job, -EBADMSG, "%s: %s", in_name(job), text);
	link = pcap_datalink(job->pcap);
	for (size_t i = 0; i < sizeof(link_types) / sizeof(*link_types); i++)
		if (link_types[i].dlt == link)
			job->type = &link_types[i];
	if (!job->type) {
		const char *name = pcap_datalink_val_to_name(link);

		return job_fail(job, -ENOTSUP,
				"%s: link type %s (%d) is not supported",
				in_name(job), name ? name : "unknown", link);
	}
	return 0;
}

/* ---- output ------------------------------------------------------------ */

static int job_open_out(struct job *job)
{
	const char *path = job->options->out_path;
	struct stat in, out;

	if (!path)
		return 0;
	if (strcmp(path, "-") == 0) {
		job->out = stdout;
	} else {
		if (fstat(fileno(job->in), &in) == 0 && stat(path, &out) == 0 &&
		    in.st_dev == out.st_dev && in.st_ino == out.st_ino)
			return job_fail(job, -EINVAL,
					"%s: input and output are one file",
					path);
		job->out = fopen(path, "wb");
		if (!job->out)
			return job_fail(job, -errno, "%s: %m", path);
		job->owns_out = fstat(fileno(job->out), &out) == 0 &&
				S_ISREG(out.st_mode);
	}
	job->out_pcap = pcap_open_dead_with_tstamp_precision(
		pcap_datalink(job->pcap), pcap_snapshot(job->pcap),
		(u_int)job->precision);
	if (!job->out_pcap)
		return job_fail(job, -ENOMEM, "%s: no memory", out_name(job));
	job->dumper = pcap_dump_fopen(job->out_pcap, job->out);
	if (!job->dumper)
		return job_fail(job, -EIO, "%s: %s", out_name(job),
				pcap_geterr(job->out_pcap));
	return 0;
}

static int job_check_out(const struct job *job)
{
	errno = 0;
	if (!job->dumper ||
	    (pcap_dump_flush(job->dumper) == 0 && !ferror(job->out)))
		return 0;
	return job_fail(job, errno ? -errno : -EIO, "%s: %s", out_name(job),
			errno ? strerror(errno) : "can not be written");
}

/* ---- packets ----------------------------------------------------------- */

static int job_grow(struct job *job, struct space *space, size_t need)
{
	unsigned char *grown;

	if (need <= space->len)
		return 0;
	grown = realloc(space->bytes, need);
	if (!grown)
		return job_fail(job, -ENOMEM, "%s: no memory", in_name(job));
	space->bytes = grown;
	space->len = need;
	return 0;
}

/* An Ethernet header with the cooked header's protocol, before the packet. */
static int job_cook(struct job *job, const unsigned char *bytes, size_t caplen,
		    struct datapath_frame *frame)
{
	const struct link_type *type = job->type;
	size_t rest = caplen - type->skipped;
	unsigned char *cooked;
	int ret = job_grow(job, &job->cooked, 14 + rest);

	if (ret)
		return ret;
	cooked = job->cooked.bytes;
	memset(cooked, 0, 12);
	memcpy(cooked + 12, bytes + type->ethertype_at, 2);
	memcpy(cooked + 14, bytes + type->skipped, rest);
	frame->bytes = frame->writable = cooked;
	frame->caplen += 14;
	frame->len += 14;
	return 0;
}

static int job_frame(struct job *job, const struct pcap_pkthdr *header,
		     const unsigned char *bytes, struct datapath_frame *frame)
{
	unsigned skipped = job->type->skipped;
	int64_t fraction = header->ts.tv_usec;

	if (job->precision == PCAP_TSTAMP_PRECISION_NANO)
		fraction /= 1000;
	frame->now_ms =
		(uint64_t)((int64_t)header->ts.tv_sec * 1000 + fraction / 1000);
	frame->ifindex = PCAP_IFINDEX;
	frame->ingress = 0;
	frame->dir = job->options->dir;
	/* No capture says who sent it; the tunnel's own may be there. */
	frame->origin = NFR_ORIGIN_ALL;
	frame->bytes = bytes;
	frame->writable = NULL;
	frame->caplen = frame->len = 0;
	if (header->caplen < skipped)
		return 0;
	frame->bytes = bytes + skipped;
	frame->caplen = header->caplen - skipped;
	/* A length below what is there is a damaged one. */
	frame->len = header->len < header->caplen ? frame->caplen
						  : header->len - skipped;
	if (job->type->ethertype_at >= 0)
		return job_cook(job, bytes, header->caplen, frame);
	return 0;
}

/* A copy of the packet, in which the datapath may write. */
static int job_copy(struct job *job, const unsigned char *bytes, size_t caplen,
		    struct datapath_frame *frame)
{
	int ret = job_grow(job, &job->left, caplen);

	if (ret || caplen < job->type->skipped)
		return ret;
	memcpy(job->left.bytes, bytes, caplen);
	if (job->type->ethertype_at < 0)
		frame->writable = job->left.bytes + job->type->skipped;
	return 0;
}

/* Writes what passed, with what the datapath changed. */
static void job_write(struct job *job, const struct pcap_pkthdr *header)
{
	unsigned skipped = job->type->skipped;

	if (job->type->ethertype_at >= 0)
		memcpy(job->left.bytes + skipped, job->cooked.bytes + 14,
		       header->caplen - skipped);
	pcap_dump((u_char *)job->dumper, header, job->left.bytes);
}

static void add(struct nfr_count *count, uint64_t len)
{
	count->packets++;
	count->bytes += len;
}

static int job_packet(struct job *job, const struct pcap_pkthdr *header,
		      const unsigned char *bytes)
{
	struct engine_pcap_counts *counts = job->counts;
	struct datapath_frame frame = {.now_ms = 0};
	struct nfr_event event;
	struct nfr_result result;
	int ret = job_frame(job, header, bytes, &frame);

	if (!ret && job->dumper)
		ret = job_copy(job, bytes, header->caplen, &frame);
	if (ret)
		return ret;
	result = datapath_judge(job->datapath, &frame, NULL, &event);
	add(&counts->all, header->len);
	if (header->caplen < header->len)
		counts->truncated++;
	if (result.verdict == NFR_PASS) {
		add(&counts->passed, header->len);
		add(&counts->passed_by[result.reason], header->len);
		if (job->dumper)
			job_write(job, header);
	} else {
		add(&counts->blocked, header->len);
		add(&counts->blocked_by[result.reason], header->len);
	}
	if (job->options->packet) {
		int64_t fraction = header->ts.tv_usec;
		struct engine_pcap_packet packet = {
			.number = counts->all.packets,
			.caplen = header->caplen,
			.len = header->len,
			.event = &event,
		};

		if (job->precision == PCAP_TSTAMP_PRECISION_NANO)
			fraction /= 1000;
		packet.time_us =
			(int64_t)header->ts.tv_sec * 1000000 + fraction;
		job->options->packet(job->options->packet_arg, &packet);
	}
	if (job->out && ferror(job->out))
		return job_check_out(job);
	return 0;
}

static int job_read(struct job *job)
{
	const unsigned char *bytes;
	struct pcap_pkthdr *header;
	int ret, got;

	while ((got = pcap_next_ex(job->pcap, &header, &bytes)) == 1) {
		ret = job_packet(job, header, bytes);
		if (ret)
			return ret;
	}
	if (got == PCAP_ERROR_BREAK)
		return job_check_out(job);
	job->counts->is_cut = true;
	return job_fail(job, -EBADMSG, "%s: %s", in_name(job),
			pcap_geterr(job->pcap));
}

static int job_prepare(struct job *job, const struct image *image)
{
	const struct engine_pcap_options *options = job->options;
	struct datapath_device device = {
		.name = options->iface ? options->iface : "",
		.ifindex = PCAP_IFINDEX,
		.link = job->type->link,
	};
	int ret = datapath_new(options->state_max ? options->state_max
						  : DATAPATH_STATES_DEFAULT,
			       &job->datapath);

	if (!ret)
		ret = datapath_switch(job->datapath, image, &device, 1);
	return ret ? job_fail(job, ret, "the datapath: %s", strerror(-ret)) : 0;
}

/* What was written is on its way already: job_check_out() flushed it. */
static int job_close_out(struct job *job, int ret)
{
	bool is_file = job->out && job->out != stdout;

	if (job->dumper && !is_file)
		fflush(job->out); /* the dumper would close standard output */
	else if (job->dumper)
		pcap_dump_close(job->dumper);
	else if (is_file)
		fclose(job->out);
	if (job->out_pcap)
		pcap_close(job->out_pcap);
	if (ret && job->owns_out)
		unlink(job->options->out_path);
	return ret;
}

int engine_pcap_filter(const struct image *image,
		       const struct engine_pcap_options *options,
		       struct engine_pcap_counts *counts,
		       char error[ENGINE_PCAP_ERROR_MAX])
{
	struct job job = {.options = options, .counts = counts, .error = error};
	int ret;

	memset(counts, 0, sizeof(*counts));
	error[0] = '\0';
	ret = job_open_in(&job);
	if (!ret)
		ret = job_prepare(&job, image);
	if (!ret)
		ret = job_open_out(&job);
	if (!ret)
		ret = job_read(&job);
	ret = job_close_out(&job, ret);
	if (job.pcap)
		pcap_close(job.pcap); /* closes the file, but not stdin */
	else if (job.in && job.in != stdin)
		fclose(job.in);
	datapath_free(&job.datapath);
	free(job.cooked.bytes);
	free(job.left.bytes);
	return ret;
}
