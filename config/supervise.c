// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * supervise.c - see supervise.h. One loop, one thread. The heartbeat goes round the whole chain, so that the
 * service manager's watchdog is fed only while every stage works; one that stays away for head_stuck_ms()
 * ends us, and the service manager starts anew. Whatever ends the supervisor closes the head of the chain,
 * which ends the stages.
 */
#include "config/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "config/chain.h"
#include "config/control.h"
#include "config/fdstore.h"
#include "config/frame.h"
#include "config/handover.h"
#include "config/head.h"
#include "config/instance.h"
#include "config/log.h"
#include "config/notify.h"
#include "config/process.h"
#include "config/report.h"
#include "config/sinks.h"
#include "config/status.h"
#include "config/wire_check.h"

#define WAKE_MS 5000 /* at the latest */
#define STOP_MS 4500 /* 5 s is what we promise */
#define FLUSH_MS 10000
#define LAST_MS 300 /* for a stage to go once there is nothing left to wait for */

enum {
	FD_SIGNAL,
	FD_TAIL,
	FD_HEAD,
	FD_STORE,
	FD_CONTROL,
	FD__MAX = FD_CONTROL + CONTROL_POLLFDS + SINKS_POLLFDS
};

struct supervisor {
	const struct options *options;
	struct instance instance;
	struct status status; /* what `status` says, and the chain */
	struct frame_reader *tail;
	struct head *head;
	struct control *control;
	struct fdstore fdstore;
	int handover; /* the collector's end of its socket, until it is started */
	bool kept;    /* somebody may keep what the collector has while we do not run */
	int signal_fd;
	bool on_terminal;
	int exit_code;
	int64_t deadline_ms;
	bool killed;  /* the deadline has passed once */
	bool written; /* the store has ended: all that was known is in the log */
};

static void stop(struct supervisor *s, int exit_code)
{
	if (s->status.state == STATUS_STOPPING)
		return;
	s->status.state = STATUS_STOPPING;
	s->exit_code = exit_code;
	s->deadline_ms = process_now_ms() + STOP_MS;
	notify_send("STOPPING=1\nSTATUS=stopping");
	if (s->head)
		head_stop(s->head);
	chain_close_head(&s->status.chain);
	if (s->status.sinks)
		sinks_stop(s->status.sinks);
}

/* A start that it does not hear of, it ends. */
static void tell_manager(const char *what)
{
	int err = notify_surely(-1, "%s", what);

	if (err < 0 && notify_active())
		log_warnx("the service manager could not be told that we are ready: %s", strerror(-err));
}

/* ---- settings */

static void tell_sinks(struct supervisor *s)
{
	size_t len;
	const char *text = head_text(s->head, &len);

	if (text)
		sinks_settings(s->status.sinks, s->status.generation, text, len, process_now_ms());
}

/* What a sink says goes to the store; an order gets a number that nobody waits for. */
static void heard(void *arg, const struct wire_hdr *hdr, const void *payload)
{
	struct supervisor *s = arg;

	if (s->status.state == STATUS_RUNNING)
		head_pass(s->head, hdr, payload);
	else if (hdr->type == WIRE_ERROR)
		report_error(&s->status.report, payload, process_now_ms());
}

static int load_settings(struct supervisor *s)
{
	int rc = head_settings(s->head, s->options->config, &s->status.report);

	s->status.generation = head_generation(s->head);
	s->status.refused = rc;
	if (rc == 0 && s->status.state == STATUS_RUNNING)
		tell_sinks(s);
	return rc;
}

static int reload(struct supervisor *s)
{
	int rc;

	if (s->status.state == STATUS_STOPPING)
		return -ESHUTDOWN;
	(void)notify_surely(-1, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, process_now_ms() * 1000);
	rc = load_settings(s);
	if (rc == 0)
		log_info("settings read again: generation %u", s->status.generation);
	else
		log_warnx("the new settings are refused: generation %u stays", s->status.generation);
	if (s->status.state == STATUS_RUNNING)
		tell_manager("READY=1");
	return rc;
}

/* ---- the control socket */

static void command_flush(struct supervisor *s, struct control_reply *reply)
{
	if (s->status.state != STATUS_RUNNING) {
		reply->text = strdup("failed: not ready yet\n");
		return;
	}
	reply->ticket = head_flush(s->head);
	reply->wait_ms = FLUSH_MS;
	if (reply->ticket == 0)
		reply->text = strdup("failed: the collector does not read\n");
}

/* "ack PROGRAM", "mute UNTIL PROGRAM", "unmute PROGRAM". Root (or whose log it is) speaks for everybody.
 * False: it is none of them. */
static bool command_order(struct supervisor *s, const char *line, const struct control_who *who,
			  struct control_reply *reply)
{
	uid_t uid = who->trusted ? WIRE_EVERYBODY : who->uid;
	enum wire_order_verb verb;
	int64_t until = 0;
	char *program;

	if (strncmp(line, "ack ", 4) == 0)
		verb = WIRE_ORDER_ACK, program = (char *)line + 4;
	else if (strncmp(line, "unmute ", 7) == 0)
		verb = WIRE_ORDER_UNMUTE, program = (char *)line + 7;
	else if (strncmp(line, "mute ", 5) == 0)
		verb = WIRE_ORDER_MUTE, until = strtoll(line + 5, &program, 10);
	else
		return false;
	if (verb == WIRE_ORDER_MUTE && *program++ != ' ')
		return false;
	if (s->status.state == STATUS_RUNNING)
		reply->ticket = head_order(s->head, verb, uid, until, program);
	reply->wait_ms = FLUSH_MS;
	if (reply->ticket == 0)
		reply->text = strdup("failed: not ready yet\n");
	return true;
}

static void done(struct supervisor *s, const struct wire_done *d)
{
	char text[128];

	if (d->error == EINVAL)
		snprintf(text, sizeof(text), "failed: which program?\n");
	else if (d->error)
		snprintf(text, sizeof(text), "failed: snitch.db: %s\n", strerror((int)d->error));
	else
		snprintf(text, sizeof(text), "done %" PRIu64 "\n", (uint64_t)d->programs);
	if (s->control)
		control_answer(s->control, d->id, text, process_now_ms());
}

static void command(void *arg, const char *line, const struct control_who *who, struct control_reply *reply)
{
	struct supervisor *s = arg;
	bool trusted = who->trusted;

	if (strcmp(line, "status") == 0) {
		reply->text = status_text(&s->status);
	} else if (strcmp(line, "flush") == 0) {
		command_flush(s, reply);
	} else if (command_order(s, line, who, reply)) {
		return;
	} else if (strcmp(line, "stop") != 0 && strcmp(line, "reload") != 0) {
		reply->text = strdup(
			"failed: unknown command, allowed: status, flush, ack, mute, unmute, reload, stop\n");
	} else if (!trusted) {
		reply->text = strdup("failed: only root and the owner of the state directory may do that\n");
	} else if (strcmp(line, "stop") == 0) {
		log_info("stopping: asked through the control socket");
		stop(s, 0);
		reply->text = strdup("stopping\n");
	} else {
		reply->text = strdup(reload(s) == 0 ? "reloaded\n" : "failed: refused, see the log\n");
	}
}

/* ---- what comes back */

static void say_query(const struct supervisor *s)
{
	const struct options *o = s->options;

	if (notify_active())
		return;
	log_info("to see who talks to whom: %s query%s%s top", o->argv0,
		 o->typed_state ? " --state-dir " : "", o->typed_state ? o->typed_state : "");
}

static void became_ready(struct supervisor *s)
{
	s->status.state = STATUS_RUNNING;
	report_say_ready(&s->status.report);
	tell_manager("READY=1\nSTATUS=watching");
	tell_sinks(s); /* they read what the store has made */
	say_query(s);
}

static void committed(struct supervisor *s, const struct wire_committed *c)
{
	char text[64];

	report_committed(&s->status.report, c);
	if (s->kept && s->status.state != STATUS_STOPPING)
		head_committed(s->head, c); /* the collector's journal need not keep it any longer */
	if (c->flush_id == 0)
		return;
	snprintf(text, sizeof(text), "committed %" PRIu64 "\n", (uint64_t)c->rows);
	if (s->control)
		control_answer(s->control, c->flush_id, text, process_now_ms());
}

static void take_frame(struct supervisor *s, const struct wire_hdr *hdr, const void *payload)
{
	switch (hdr->type) {
	case WIRE_TICK:
		if (head_tick_back(s->head, ((const struct wire_tick *)payload)->sequence, process_now_ms()))
			notify_send("WATCHDOG=1");
		break;
	case WIRE_COMMITTED:
		committed(s, payload);
		sinks_pass(s->status.sinks, hdr, payload);
		break;
	case WIRE_SINK:
		report_sink(&s->status.report, payload);
		break;
	case WIRE_DONE:
		done(s, payload);
		break;
	case WIRE_EVENT:
	case WIRE_FETCHED:
	case WIRE_LOOKUP:
		sinks_pass(s->status.sinks, hdr, payload);
		break;
	case WIRE_INTERFACES:
		report_interfaces(&s->status.report, payload);
		break;
	case WIRE_READY:
		report_ready(&s->status.report, payload);
		if (s->status.state == STATUS_STARTING && report_all_ready(&s->status.report))
			became_ready(s);
		break;
	case WIRE_LOSS:
		report_loss(&s->status.report, payload, process_now_ms());
		break;
	case WIRE_ERROR:
		report_error(&s->status.report, payload, process_now_ms());
		break;
	default: /* the store may pass on more than we need */
		break;
	}
}

/* frame_fill()'s result. */
static int read_tail(struct supervisor *s)
{
	const struct wire_hdr *hdr;
	const void *payload;
	const char *why;
	int rc, got;

	got = frame_fill(s->tail);
	while ((rc = frame_next(s->tail, &hdr, &payload, &why)) > 0)
		take_frame(s, hdr, payload);
	if (rc < 0) {
		log_warnx("store: broken frame: %s", why);
		stop(s, 1);
		got = 0;
	}
	if (got == 0 || (got < 0 && got != -EAGAIN)) {
		close(s->status.chain.tail);
		s->status.chain.tail = -1;
		if (s->status.state == STATUS_STOPPING && !s->killed) {
			s->written = true;
			if (s->deadline_ms > process_now_ms() + LAST_MS)
				s->deadline_ms = process_now_ms() + LAST_MS;
		}
	}
	return got;
}

/* ---- stages and signals */

static void reap(struct supervisor *s)
{
	enum wire_stage stage;
	int status, code;
	char how[80];
	pid_t pid;

	while ((stage = chain_reap(&s->status.chain, &pid, &status)) != WIRE_STAGE_SUPERVISOR) {
		chain_describe(status, how, sizeof(how));
		code = WIFEXITED(status) && WEXITSTATUS(status) == 2 ? 2 : 1;
		if (s->status.state == STATUS_STOPPING) {
			if (status != 0 && !(s->killed && s->written)) {
				log_warnx("femtosnitch-%s (pid %d) %s", wire_stage_name(stage), (int)pid,
					  how);
				/* whoever refused its settings is the cause, even if another died of
				 * it first */
				if (s->exit_code == 0 || code == 2)
					s->exit_code = code;
			}
			continue;
		}
		log_warnx("femtosnitch-%s (pid %d) %s: stopping, because nothing is complete without it",
			  wire_stage_name(stage), (int)pid, how);
		stop(s, code);
	}
}

static void take_signal(struct supervisor *s, int number)
{
	if (number == SIGCHLD) {
		reap(s);
		sinks_reap(s->status.sinks, process_now_ms());
	} else if (number == SIGHUP && !process_terminal_gone(s->on_terminal)) {
		/* A terminal that was closed sends the same signal, and means: end. */
		reload(s);
	} else if (s->status.state != STATUS_STOPPING) {
		/* Asked again while stopping: Ctrl-C under sudo and make comes more than once. */
		log_info("stopping: %s", strsignal(number));
		stop(s, 0);
	}
}

static void read_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		take_signal(s, (int)info.ssi_signo);
}

/* ---- time */

/* A stage is still there. A hasher whose thread waits for a filesystem that does not answer cannot even be
 * killed before that answers: it is left behind, and is no failure if the store has written everything. */
static void too_late(struct supervisor *s, int64_t now)
{
	if (s->killed) {
		log_warnx("a stage cannot be killed while its filesystem does not answer: left behind");
		chain_leave(&s->status.chain);
		return;
	}
	s->written &= s->exit_code == 0; /* the store may have ended because it failed */
	log_warnx("a stage did not finish in time: killed%s", s->written ? "; the log is complete" : "");
	chain_kill(&s->status.chain);
	s->killed = true;
	s->deadline_ms = now + LAST_MS;
	if (s->exit_code == 0 && !s->written)
		s->exit_code = 1;
}

static void on_time(struct supervisor *s)
{
	int64_t now = process_now_ms();

	if (s->status.state != STATUS_STOPPING) {
		report_tick(&s->status.report, now);
		sinks_tick(s->status.sinks, now);
		if (head_tick(s->head, now) == 0)
			return;
		log_warnx("the chain is stuck: no heartbeat came round for %d s",
			  (int)(head_stuck_ms(s->head) / 1000));
		stop(s, 1);
		s->deadline_ms = now; /* it does not listen */
	}
	if (now >= s->deadline_ms && chain_alive(&s->status.chain))
		too_late(s, now);
}

static int next_timeout(const struct supervisor *s)
{
	int64_t now = process_now_ms(),
		at = s->status.state == STATUS_STOPPING ? s->deadline_ms : head_next_tick_ms(s->head);
	int wait, control = s->control ? control_timeout_ms(s->control, now) : -1,
		  sinks = sinks_timeout_ms(s->status.sinks, now);

	wait = at - now > WAKE_MS ? WAKE_MS : at > now ? (int)(at - now) : 0;
	wait = sinks >= 0 && sinks < wait ? sinks : wait;
	return control >= 0 && control < wait ? control : wait;
}

static void turn(struct supervisor *s)
{
	struct pollfd fds[FD__MAX] = {
		[FD_SIGNAL] = {.fd = s->signal_fd, .events = POLLIN},
		[FD_TAIL] = {.fd = s->status.chain.tail, .events = POLLIN},
		[FD_HEAD] = {.fd = head_waits(s->head) ? s->status.chain.head : -1, .events = POLLOUT},
		[FD_STORE] = {.fd = fdstore_fd(&s->fdstore), .events = POLLIN},
	};
	size_t n = s->control ? control_poll(s->control, fds + FD_CONTROL) : 0;
	struct pollfd *of_sinks = fds + FD_CONTROL + n;
	size_t sinks = sinks_poll(s->status.sinks, of_sinks);

	if (poll(fds, FD_CONTROL + n + sinks, next_timeout(s)) < 0) {
		if (errno != EINTR)
			fatal("poll");
		return;
	}
	if (fds[FD_TAIL].revents)
		read_tail(s);
	if (fds[FD_HEAD].revents)
		(void)head_write(s->head);
	if (fds[FD_STORE].revents)
		fdstore_take(&s->fdstore);
	if (s->control)
		control_serve(s->control, fds + FD_CONTROL, n, process_now_ms());
	sinks_serve(s->status.sinks, of_sinks, sinks);
	if (fds[FD_SIGNAL].revents)
		read_signals(s);
	on_time(s);
}

/* ---- from the first fork to the last wait */

static int prepare(struct supervisor *s)
{
	const struct options *o = s->options;
	char path[OPTIONS_PATH_MAX + 32];
	int rc = instance_open(&s->instance, o);

	if (rc < 0)
		return 1;
	rc = instance_first_config(&s->instance, o);
	if (rc > 0)
		log_info("%s: written with the defaults", o->config);
	else if (rc < 0)
		log_warnx("%s: cannot be made: %s", o->config, strerror(-rc));
	/* Before anything is started: with bad settings nothing of ours shall have touched the kernel. */
	if (head_check_settings(o->config) < 0) {
		log_warnx("%s is refused: nothing was started", o->config);
		return 2;
	}
	s->signal_fd = process_signals();
	if (s->signal_fd < 0) {
		log_warnx("signals: %s", strerror(-s->signal_fd));
		return 1;
	}
	if (options_state_path(o, INSTANCE_SOCKET, path, sizeof(path)))
		s->control = control_open(path, s->instance.owner, s->instance.gid, command, s);
	if (!s->control)
		log_warnx("without the control socket, `status` and `query --now` do not work");
	return 0;
}

/* A socket on which the hasher hands files to VirusTotal's sink. Neither may wait for the other; without it
 * nothing is uploaded. */
static void make_files(int ends[2])
{
	if (handover_pair(ends) < 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) < 0 ||
	    fcntl(ends[1], F_SETFL, O_NONBLOCK) < 0)
		log_warn("no socket for files to upload");
}

static int start(struct supervisor *s)
{
	int handover[WIRE_CHAIN_END] = {-1, -1, -1, -1}, files[2] = {-1, -1}, rc;

	make_files(files);
	handover[WIRE_STAGE_COLLECTOR] = s->handover;
	handover[WIRE_STAGE_HASHER] = files[0];
	rc = chain_start(&s->status.chain, s->options, s->instance.uid, s->instance.gid, handover);
	if (files[0] >= 0)
		close(files[0]);
	if (rc < 0)
		return 1; /* files[1] goes with us */
	s->kept = s->handover >= 0;
	if (s->kept)
		close(s->handover);
	s->handover = -1;
	s->tail = frame_reader_new(s->status.chain.tail);
	s->head = head_new(s->status.chain.head, process_now_ms());
	s->status.sinks = sinks_new(s->options, s->instance.uid, s->instance.gid, heard, s);
	if (!s->tail || !s->head || !s->status.sinks)
		fatalx("no memory");
	sinks_handover(s->status.sinks, WIRE_STAGE_VIRUSTOTAL, files[1]);
	if (load_settings(s) < 0) {
		log_warnx("%s is refused", s->options->config);
		stop(s, 2);
	}
	return s->exit_code;
}

static void finish(struct supervisor *s)
{
	control_close(s->control);
	fdstore_close(&s->fdstore);
	if (s->handover >= 0)
		close(s->handover);
	chain_close(&s->status.chain);
	frame_reader_free(s->tail);
	head_free(s->head);
	sinks_free(s->status.sinks);
	report_free(&s->status.report);
	if (s->signal_fd >= 0)
		close(s->signal_fd);
	instance_close(&s->instance);
}

int supervise_run(const struct options *o)
{
	struct supervisor s = {.options = o, .signal_fd = -1, .instance.lock_fd = -1};

	/* Where huge pages are for everybody, the first byte of a heap would be 2 MB, in each stage
	 * (PR_SET_THP_DISABLE is inherited; Linux 3.15). */
	if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0) < 0)
		log_debug("prctl: %s", strerror(errno));
	process_standard_fds();
	notify_open();
	fdstore_open(&s.fdstore, &s.handover);
	umask(027);
	s.on_terminal = isatty(2);
	s.status.options = o;
	s.status.since = time(NULL);
	s.status.chain.head = s.status.chain.tail = -1;
	s.exit_code = prepare(&s);
	if (s.exit_code == 0)
		s.exit_code = start(&s);
	if (s.exit_code == 0 && chdir("/") < 0)
		log_debug("chdir: %s", strerror(errno));
	while (chain_alive(&s.status.chain))
		turn(&s);
	/* The last commit: all writers are gone, so this ends at end of file. */
	while (s.status.chain.tail >= 0 && read_tail(&s) > 0)
		;
	if (s.status.state == STATUS_STOPPING)
		log_info("stopped%s", s.exit_code ? " after a failure" : "");
	finish(&s);
	return s.exit_code;
}
