/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.c: /proc, /sys and uname -> where it was measured. */
#include "machine.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VULNERABILITIES "/sys/devices/system/cpu/vulnerabilities"

static void read_line(const char *path, const char *key, char *out, size_t len)
{
	char line[256];
	FILE *file = fopen(path, "r");

	snprintf(out, len, "unknown");
	while (file && fgets(line, sizeof(line), file)) {
		char *value = *key ? strchr(line, ':') : line;

		if (strncmp(line, key, strlen(key)) != 0 || !value)
			continue;
		value += *key ? 1 : 0;
		value += strspn(value, " \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(out, len, "%s", value);
		break;
	}
	if (file)
		fclose(file);
}

static void read_mitigations(char *out, size_t len)
{
	char path[512], what[200];
	struct dirent **names;
	int count = scandir(VULNERABILITIES, &names, NULL, alphasort);
	size_t at = 0;

	snprintf(out, len, "%s", count < 0 ? "unknown" : "");
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;

		snprintf(path, sizeof(path), VULNERABILITIES "/%s", name);
		read_line(path, "", what, sizeof(what));
		if (*name != '.' && strcmp(what, "Not affected") != 0 &&
		    at < len)
			at += (size_t)snprintf(out + at, len - at, "%s%s: %s",
					       at ? "; " : "", name, what);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

void machine_read(struct machine *m)
{
	char jit[16];

	uname(&m->uts);
	read_line("/proc/cpuinfo", "model name", m->cpu, sizeof(m->cpu));
	read_line("/proc/sys/net/core/bpf_jit_enable", "", jit, sizeof(jit));
	snprintf(m->jit, sizeof(m->jit), "%s",
		 *jit == '0'   ? "off"
		 : *jit == 'u' ? "unknown"
			       : "on");
	read_mitigations(m->mitigations, sizeof(m->mitigations));
	if (getloadavg(&m->load, 1) != 1)
		m->load = -1;
}
