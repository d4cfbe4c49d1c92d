// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-names: reads bytes of strangers so that nobody who may do anything has to. It hangs on
 * the collector: payloads in, names out. It opens nothing, has no privileges, and can do little but read and
 * write (see calls). If it dies, the collector starts another one.
 *
 * What the collector does not take of the names waits here up to OUT_HIGH; past that no payload is read, and
 * the collector drops (and counts) what the pipe has no room for.
 */
#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "collector/names/hosts.h"
#include "collector/names/reading.h"
#include "collector/names/servers.h"
#include "config/log.h"
#include "config/sandbox.h"
#include "config/stage.h"

#define OUT_BOUND (512 << 10)
#define OUT_HIGH (OUT_BOUND / 4) /* one payload has fewer names than fit in the rest */
#define STOP_MS 1000

struct names {
	struct stage stage;
	struct reading *reading;
	struct hosts *hosts;
	struct servers *servers;
	wire_ns since_ns; /* when losses were said last */
};

#ifndef __SANITIZE_ADDRESS__ /* which needs more */
/* What reading, writing, waiting and memory take, and the C library's end of a process. */
static const long calls[] = {
	SYS_read,	  SYS_write,	     SYS_close,		  SYS_ppoll,
	SYS_brk,	  SYS_mmap,	     SYS_munmap,	  SYS_mremap,
	SYS_madvise,	  SYS_clock_gettime, SYS_clock_nanosleep, SYS_restart_syscall,
	SYS_rt_sigreturn, SYS_getrandom,     SYS_exit_group,
#ifdef SYS_poll
	SYS_poll,
#endif
};
#endif

static void put_name(void *arg, const struct wire_name *name, const char *text)
{
	struct names *n = arg;

	(void)frame_put(n->stage.out, WIRE_NAME, name, sizeof(*name), text, name->name_len);
}

/* Before the marker is sent back: it belongs to the window that ends there. */
static void say_losses(struct names *n)
{
	uint64_t lost = reading_lost(n->reading);
	wire_ns now = stage_now();

	if (lost)
		stage_loss(&n->stage, WIRE_LOSS_NAME, n->since_ns, now, lost, 0,
			   "connections whose first bytes were too many or too much in pieces to look for a "
			   "name");
	n->since_ns = now;
}

static void take_file(struct names *n, const struct wire_hosts *piece)
{
	const char *text = (const char *)(piece + 1);

	if (piece->file == WIRE_HOSTS_NAMES)
		hosts_piece(n->hosts, piece, text);
	else
		servers_piece(n->servers, piece, text);
}

static void take(struct names *n, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_payload *p = payload;

	switch (hdr->type) {
	case WIRE_PAYLOAD:
		reading_payload(n->reading, p, (const uint8_t *)(p + 1));
		break;
	case WIRE_HOSTS:
		take_file(n, payload);
		break;
	case WIRE_FLUSH:
		say_losses(n);
		frame_pass(n->stage.out, hdr, payload);
		break;
	case WIRE_SETTINGS:
		stage_settings(&n->stage, payload);
		break;
	default:
		fatalx("frame of type %u from the collector", hdr->type);
	}
}

/* The frames that are there, as long as there is room for what comes of them. */
static void take_all(struct names *n)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc = 0;

	while (frame_pending(n->stage.out) < OUT_HIGH &&
	       (rc = frame_next(n->stage.in, &hdr, &payload, &why)) > 0)
		take(n, hdr, payload);
	if (rc < 0)
		fatalx("broken frame from the collector: %s", why);
}

/* False at the end of the file. */
static bool step(struct names *n)
{
	struct pollfd fds[] = {{.fd = 0, .events = POLLIN}, {.fd = 1}};
	int rc;

	take_all(n);
	rc = frame_flush(n->stage.out);
	if (rc < 0 && rc != -EAGAIN)
		return false;
	if (frame_pending(n->stage.out) >= OUT_HIGH)
		fds[0].fd = -1;
	if (rc == -EAGAIN)
		fds[1].events = POLLOUT;
	if (poll(fds, 2, -1) < 0 && errno != EINTR)
		fatal("poll");
	if (!fds[0].revents)
		return true;
	rc = frame_fill(n->stage.in);
	return rc > 0 || rc == -EAGAIN;
}

static void stop(struct names *n)
{
	struct pollfd out = {.fd = 1, .events = POLLOUT};

	take_all(n);
	while (frame_flush(n->stage.out) == -EAGAIN && poll(&out, 1, STOP_MS) > 0)
		;
}

int main(int argc, char **argv)
{
	static struct names n;

	stage_start(&n.stage, WIRE_STAGE_NAMES, OUT_BOUND, argc, argv);
	n.servers = servers_new();
	n.reading = reading_new(n.servers, put_name, &n);
	n.hosts = hosts_new(put_name, &n);
	if (!n.servers || !n.reading || !n.hosts)
		fatalx("no memory");
	n.since_ns = stage_now();
	prctl(PR_SET_NAME, "femtosnitch-nam"); /* started by its descriptor, it has that for a name */
	sandbox_drop(n.stage.uid, n.stage.gid, 0);
	malloc_trim(0);
#ifndef __SANITIZE_ADDRESS__
	sandbox_calls(calls, sizeof(calls) / sizeof(calls[0]));
#endif
	while (step(&n))
		;
	stop(&n);
	return 0;
}
