// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_wire.c - any bytes as a stream of frames, through a pipe and the reader that every process uses. Each
 * frame that passes the check is then read as its users read it: the check must have made that safe.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/frame.h"
#include "config/wire_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile unsigned long sink;

/* Byte by byte, so that the sanitizers see each. */
static void read_bytes(const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	while (len-- > 0)
		sink += *p++;
}

static void use_exec(const struct wire_exec *exec)
{
	if (memchr(exec->comm, '\0', sizeof(exec->comm)) == NULL)
		abort();
	sink += strlen(wire_exec_path(exec)) + strlen(wire_exec_argv(exec));
	if (exec->path_len && wire_exec_path(exec)[exec->path_len - 1] != '\0')
		abort();
	if (exec->argv_len && wire_exec_argv(exec)[exec->argv_len - 1] != '\0')
		abort();
}

static void use_image(const struct wire_image *image)
{
	use_exec((const void *)(image + 1));
	if (image->script_len && strlen(wire_image_script(image)) + 1 != image->script_len)
		abort();
	if (image->app_len && strlen(wire_image_app(image)) + 1 != image->app_len)
		abort();
}

static void use_place(const struct wire_place *place)
{
	const __u16 lens[] = {place->runtime_len, place->container_len, place->unit_len, place->path_len};
	const char *text = (const char *)(place + 1);
	size_t i;

	for (i = 0; i < 4; text += lens[i++])
		if (lens[i] && strlen(text) + 1 != lens[i])
			abort();
}

static void use(const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_loss *loss = payload;

	read_bytes(payload, hdr->len);
	if (hdr->type == WIRE_EXEC)
		use_exec(payload);
	else if (hdr->type == WIRE_IMAGE)
		use_image(payload);
	else if (hdr->type == WIRE_PLACE)
		use_place(payload);
	else if (hdr->type == WIRE_NAME && strlen((const char *)payload + sizeof(struct wire_name)) + 1 !=
						   ((const struct wire_name *)payload)->name_len)
		abort();
	else if (hdr->type == WIRE_CGROUP && strlen((const char *)payload + sizeof(struct wire_cgroup)) + 1 !=
						     ((const struct wire_cgroup *)payload)->path_len)
		abort();
	else if (hdr->type == WIRE_LOSS && (!wire_loss_name(loss->kind) || !wire_stage_name(loss->stage)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	struct frame_reader *r;
	int ends[2], got;

	if (size > WIRE_FRAME_MAX || pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	if (write(ends[1], data, size) != (ssize_t)size)
		abort();
	close(ends[1]);
	r = frame_reader_new(ends[0]);
	do {
		got = frame_fill(r);
		while (frame_next(r, &hdr, &payload, &why) == 1)
			use(hdr, payload);
	} while (got == 1);
	frame_reader_free(r);
	close(ends[0]);
	return 0;
}
