/* SPDX-License-Identifier: BSD-2-Clause */
/* iperf.c: a number of bytes to carry -> a run of iperf3 -> how long it took.
 */
#include "iperf.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PROGRAM "iperf3"
#define PORT "5201"
#define SAID_MAX 512
#define NAP_NS 1000000
#define NAPS 10000	   /* ten seconds of them */
#define PATIENCE_MS 30000u /* and twenty times what is likely */
#define NOT_RUN 127	   /* as the shell says it */

static int iperf_fail(const char *what, char error[MEASURE_ERROR_MAX])
{
	int err = errno ? -errno : -EIO;

	snprintf(error, MEASURE_ERROR_MAX, "%s: %s", what, strerror(-err));
	return err;
}

/* ---- a process --------------------------------------------------------- */

/* In the child. */
static _Noreturn void become(char *const argv[], int said, pid_t parent)
{
	int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* Also when this process is killed; it may have been by now. */
	if (!prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent &&
	    dup2(nothing, STDIN_FILENO) >= 0 &&
	    dup2(said, STDOUT_FILENO) >= 0 && dup2(said, STDERR_FILENO) >= 0)
		execvp(argv[0], argv);
	_exit(NOT_RUN);
}

static int begin(char *const argv[], struct iperf *out,
		 char error[MEASURE_ERROR_MAX])
{
	pid_t parent = getpid();

	out->said = memfd_create(PROGRAM, MFD_CLOEXEC);
	if (out->said < 0)
		return iperf_fail("a file for what " PROGRAM " says", error);
	out->pid = fork();
	if (out->pid == 0)
		become(argv, out->said, parent);
	return out->pid < 0 ? iperf_fail("a process for " PROGRAM, error) : 0;
}

void iperf_end(struct iperf *p)
{
	if (p->pid > 0) {
		kill(p->pid, SIGKILL);
		while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (p->said >= 0)
		close(p->said);
	*p = IPERF_NONE;
}

/* From its beginning, as a string. */
static void hear(const struct iperf *p, char said[SAID_MAX])
{
	ssize_t len = pread(p->said, said, SAID_MAX - 1, 0);

	said[len < 0 ? 0 : len] = '\0';
}

/* It ended by itself and is gone: why it says so. */
static int ended(struct iperf *p, int status, char error[MEASURE_ERROR_MAX])
{
	char said[SAID_MAX];

	p->pid = -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_RUN) {
		snprintf(error, MEASURE_ERROR_MAX,
			 PROGRAM " is not installed (Debian: " PROGRAM ")");
		return -ENOENT;
	}
	hear(p, said);
	snprintf(error, MEASURE_ERROR_MAX, PROGRAM " failed: %.*s",
		 (int)strcspn(said, "\n"), said);
	return -EPROTO;
}

static int wait_end(struct iperf *p, unsigned most_ms, int *status,
		    char error[MEASURE_ERROR_MAX])
{
	struct pollfd end = {.fd = pidfd_open(p->pid, 0), .events = POLLIN};
	int got;

	if (end.fd < 0)
		return iperf_fail("watch " PROGRAM, error);
	do
		got = poll(&end, 1, (int)most_ms);
	while (got < 0 && errno == EINTR);
	close(end.fd);
	if (got != 1) {
		errno = got ? errno : ETIMEDOUT;
		return iperf_fail(PROGRAM " does not end", error);
	}
	if (waitpid(p->pid, status, 0) < 0)
		return iperf_fail("wait for " PROGRAM, error);
	p->pid = -1;
	return 0;
}

/* ---- what it is run for ------------------------------------------------ */

int iperf_version(char version[IPERF_VERSION_MAX],
		  char error[MEASURE_ERROR_MAX])
{
	char *const argv[] = {PROGRAM, "--version", NULL};
	struct iperf p = IPERF_NONE;
	char said[SAID_MAX];
	int status = 0, ret = begin(argv, &p, error);

	if (!ret)
		ret = wait_end(&p, PATIENCE_MS, &status, error);
	if (!ret) {
		hear(&p, said);
		if (status || sscanf(said, "iperf %15s", version) != 1)
			ret = ended(&p, status, error);
	}
	iperf_end(&p);
	return ret;
}

int iperf_serve(const struct lab *lab, struct iperf *out,
		char error[MEASURE_ERROR_MAX])
{
	char *const argv[] = {PROGRAM,	    "--server", "--port",	PORT,
			      "--interval", "0",	"--forceflush", NULL};
	const struct timespec nap = {.tv_nsec = NAP_NS};
	int status, ret = lab_enter(lab, LAB_FAR, error);

	*out = IPERF_NONE;
	if (!ret)
		ret = begin(argv, out, error);
	for (int i = 0; i < NAPS && !ret; i++) {
		char said[SAID_MAX];

		hear(out, said);
		if (strstr(said, "Server listening"))
			return 0;
		if (waitpid(out->pid, &status, WNOHANG) == out->pid)
			return ended(out, status, error);
		nanosleep(&nap, NULL);
	}
	if (!ret) {
		errno = ETIMEDOUT;
		ret = iperf_fail(PROGRAM " does not listen", error);
	}
	return ret;
}

/* The object that it prints, also when it fails. */
static int read_result(const struct iperf *p, const struct iperf_task *task,
		       struct iperf_result *out, char error[MEASURE_ERROR_MAX])
{
	json_error_t why = {.text = ""};
	json_t *said = lseek(p->said, 0, SEEK_SET)
			       ? NULL
			       : json_loadfd(p->said, 0, &why);
	const char *problem = NULL;
	int ret = 0;

	if (said)
		problem = json_string_value(json_object_get(said, "error"));
	if (!problem &&
	    (!said || json_unpack_ex(said, &why, 0, "{s{s{sF sF}}}", "end",
				     "sum_received", "bytes", &out->bytes,
				     "seconds", &out->seconds)))
		problem = why.text;
	if (problem) {
		snprintf(error, MEASURE_ERROR_MAX, PROGRAM ": %.200s", problem);
		ret = -EPROTO;
	} else if (out->seconds <= 0 || out->bytes < task->kilobytes * 500.0) {
		/* What is on its way at the end, it does not count. */
		snprintf(error, MEASURE_ERROR_MAX, "of %u kB %.0f arrived",
			 task->kilobytes, out->bytes / 1000);
		ret = -EBADE;
	}
	json_decref(said);
	return ret;
}

int iperf_run(const struct iperf_task *task, struct iperf_result *out,
	      char error[MEASURE_ERROR_MAX])
{
	char to[64], bytes[32], cpus[32];
	char *argv[16] = {PROGRAM, "--client",	 to,  "--port", PORT, "--bytes",
			  bytes,   "--interval", "0", "--json"};
	unsigned n = 10;
	struct iperf p = IPERF_NONE;
	int status, ret = lab_enter(task->lab, LAB_NEAR, error);

	snprintf(to, sizeof(to), "%s",
		 lab_address(task->family, task->net, LAB_FAR));
	snprintf(bytes, sizeof(bytes), "%u000", task->kilobytes);
	snprintf(cpus, sizeof(cpus), "%s", task->cpus);
	if (strchr(cpus, ',')) {
		argv[n++] = "--affinity";
		argv[n++] = cpus;
	}
	if (!task->is_up)
		argv[n++] = "--reverse";
	if (!ret)
		ret = begin(argv, &p, error);
	if (!ret)
		ret = wait_end(&p, PATIENCE_MS + 20 * task->likely_ms, &status,
			       error);
	if (!ret)
		ret = read_result(&p, task, out, error);
	iperf_end(&p);
	return ret;
}
