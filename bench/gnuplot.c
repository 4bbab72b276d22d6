/* SPDX-License-Identifier: BSD-2-Clause */
/* gnuplot.c: a script for gnuplot -> a file. */
#include "gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static int gnuplot_fail(int err, const char *what, char *error, size_t room)
{
	snprintf(error, room, "%s: %s", what, strerror(-err));
	return err;
}

static int spawn(int script, int out, pid_t *pid)
{
	/* -d: none of the user's own settings. */
	char *const argv[] = {"gnuplot", "-d", "-", NULL};
	posix_spawn_file_actions_t actions;
	int ret = posix_spawn_file_actions_init(&actions);

	if (ret)
		return -ret;
	ret = posix_spawn_file_actions_adddup2(&actions, script, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(&actions, out, 1);
	if (!ret)
		ret = posix_spawnp(pid, argv[0], &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -ret;
}

static int run(int script, int out, char *error, size_t room)
{
	struct stat made;
	int status = -1;
	pid_t pid;
	int ret = spawn(script, out, &pid);

	if (ret == -ENOENT) {
		snprintf(error, room,
			 "gnuplot is not installed (Debian: gnuplot-nox)");
		return ret;
	}
	if (ret)
		return gnuplot_fail(ret, "run gnuplot", error, room);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 &&
	    fstat(out, &made) == 0 && made.st_size > 0)
		return 0;
	snprintf(error, room, "gnuplot failed");
	return -EIO;
}

int gnuplot_run(int script, const char *output, char *error, size_t room)
{
	mode_t mask = umask(0);
	char *beside = NULL;
	int ret, out;

	umask(mask);
	if (asprintf(&beside, "%s.XXXXXX", output) < 0)
		return gnuplot_fail(-ENOMEM, output, error, room);
	out = mkostemp(beside, O_CLOEXEC);
	if (out < 0) {
		ret = gnuplot_fail(-errno, output, error, room);
		free(beside);
		return ret;
	}
	ret = run(script, out, error, room);
	if (!ret &&
	    (fchmod(out, 0666 & ~mask) || close(out) || rename(beside, output)))
		ret = gnuplot_fail(-errno, output, error, room);
	else if (ret)
		close(out);
	if (ret)
		unlink(beside);
	free(beside);
	return ret;
}
