/* SPDX-License-Identifier: BSD-2-Clause */
/* native.c: the datapath, compiled natively, as an engine to compare. */
#include <errno.h>

#include "agree.h"
#include "runtime/datapath_user.h"

#define STATES_MAX 64
#define DEVICES_MAX 16

static int native_open(void **self, const char **why)
{
	struct datapath *datapath;
	int err = datapath_new(STATES_MAX, &datapath);

	if (err) {
		*why = "datapath_new() failed";
		return err;
	}
	*self = datapath;
	return 0;
}

static int native_load(void *self, const struct image *img,
		       const struct agree_device *devices, size_t count)
{
	struct datapath_device own[DEVICES_MAX];

	if (count > DEVICES_MAX)
		return -E2BIG;
	for (size_t i = 0; i < count; i++)
		own[i] = (struct datapath_device){.name = devices[i].name,
						  .ifindex = devices[i].ifindex,
						  .link = devices[i].link};
	return datapath_switch(self, img, own, count);
}

static int native_judge(void *self, const struct agree_frame *frame,
			struct nfr_result *result)
{
	const struct datapath_frame own = {.bytes = frame->bytes,
					   .caplen = frame->len,
					   .len = frame->len,
					   .ifindex = frame->ifindex,
					   .ingress = frame->ingress,
					   .origin = frame->origin,
					   .dir = frame->dir};

	datapath_forget_states(self);
	*result = datapath_judge(self, &own, NULL, NULL);
	return 0;
}

static void native_close(void **self)
{
	struct datapath *datapath = *self;

	datapath_free(&datapath);
	*self = NULL;
}

const struct agree_engine agree_native = {
	.name = "native",
	.open = native_open,
	.load = native_load,
	.judge = native_judge,
	.close = native_close,
};
