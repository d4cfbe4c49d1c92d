// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * main.c - femtosnitch-notify, one per graphical session: shows what the system's side tells. No privileges;
 * with
 * --test it says which link of the chain is broken. Ends when the session bus does.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/log.h"
#include "config/options.h"
#include "store/notify/bubbles.h"
#include "store/notify/link.h"
#include "store/notify/terminal.h"

#define MUTE_S 0 /* by a button: for ever; `femtosnitch unmute` undoes it */

struct session {
	const char *state_dir;
	struct link *link;
	struct bubbles *bubbles;
	GMainLoop *loop;
};

static void told(void *arg, const struct notice *n)
{
	bubbles_show(((struct session *)arg)->bubbles, n);
}

static void clicked(void *arg, enum bubbles_action action, const char *exe)
{
	struct session *s = arg;

	if (action == BUBBLES_DETAILS)
		(void)terminal_why(s->state_dir, exe);
	else if (action == BUBBLES_MUTE)
		link_mute(s->link, exe, MUTE_S);
	else
		link_ack(s->link, exe);
}

static gboolean end(gpointer arg)
{
	g_main_loop_quit(arg);
	return G_SOURCE_CONTINUE;
}

static bool lock_path(char path[PATH_MAX])
{
	const char *dir = getenv("XDG_RUNTIME_DIR");

	return dir && snprintf(path, PATH_MAX, "%s/femtosnitch-notify.lock", dir) < PATH_MAX;
}

/* An fd that is kept open; -EWOULDBLOCK: another one of this session runs. */
static int take_lock(void)
{
	char path[PATH_MAX];
	int fd;

	if (!lock_path(path))
		return 0; /* no session that could have two */
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -EWOULDBLOCK;
}

static char *state_file(void)
{
	char *dir = g_build_filename(g_get_user_state_dir(), "femtosnitch", NULL), *file;

	(void)g_mkdir_with_parents(dir, 0700);
	file = g_build_filename(dir, "seen", NULL);
	g_free(dir);
	return file;
}

static int run(const char *socket, const char *state_dir)
{
	struct session s = {.state_dir = state_dir};
	char *state = state_file();

	s.loop = g_main_loop_new(NULL, FALSE);
	s.bubbles = bubbles_open(clicked, &s, terminal_there());
	s.link = s.bubbles ? link_open(socket, state, told, &s) : NULL;
	if (s.link) {
		g_unix_signal_add(SIGTERM, end, s.loop);
		g_unix_signal_add(SIGINT, end, s.loop);
		g_main_loop_run(s.loop);
	}
	link_close(s.link);
	bubbles_close(s.bubbles);
	g_main_loop_unref(s.loop);
	g_free(state);
	return s.link ? 0 : 1;
}

static int test(const char *socket)
{
	int fd = link_connect(socket), lock = take_lock(), broken = 0;
	struct bubbles *b;
	char server[256];
	const char *why;

	if (fd < 0)
		printf("BAD  femtosnitch: %s: %s (is it running, with \"Desktop notifications\": true?)\n",
		       socket, strerror(-fd));
	else
		printf("ok   femtosnitch answers at %s\n", socket);
	broken |= fd < 0;
	if (lock == -EWOULDBLOCK)
		printf("ok   femtosnitch-notify runs in this session\n");
	else
		printf("BAD  femtosnitch-notify does not run in this session: systemctl --user start "
		       "femtosnitch-notify\n");
	broken |= lock != -EWOULDBLOCK;
	b = bubbles_open(clicked, NULL, false);
	why = b ? bubbles_test(b, server, sizeof(server))
		: "no session bus: run this in your desktop session, not with sudo";
	if (why)
		printf("BAD  %s\n", why);
	else
		printf("ok   a bubble was shown by %s\n", server);
	bubbles_close(b);
	return broken || why;
}

int main(int argc, char **argv)
{
	char socket[OPTIONS_PATH_MAX];
	const char *state_dir = "/var/lib/femtosnitch";
	bool testing = false;
	int i, lock;

	log_open("femtosnitch-notify", 0);
	for (i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--state-dir") == 0 && i + 1 < argc) {
			state_dir = argv[++i];
		} else if (strcmp(argv[i], "--test") == 0 || strcmp(argv[i], "notify-test") == 0) {
			testing = true;
		} else {
			fprintf(stderr, "usage: femtosnitch-notify [--test] [--state-dir DIR]\n");
			return 2;
		}
	}
	if (!options_notify_socket(state_dir, socket, sizeof(socket))) {
		log_warnx("%s: path too long", state_dir);
		return 2;
	}
	if (testing)
		return test(socket);
	lock = take_lock();
	if (lock == -EWOULDBLOCK) {
		log_info("runs in this session already");
		return 0;
	}
	return run(socket, state_dir);
}
