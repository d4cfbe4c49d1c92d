// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * control.c - see control.h. A client goes from reading its line to waiting for a ticket (perhaps) to writing
 * its answer; whoever breaks off or is late is closed without a word.
 */
#include "config/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/log.h"
#include "config/peer.h"
#include "config/utf8.h"

enum state {
	STATE_FREE,
	STATE_READING,
	STATE_WAITING,
	STATE_WRITING,
};

struct client {
	enum state state;
	int fd;
	struct control_who who;
	int64_t deadline_ms;
	uint64_t ticket;
	char line[CONTROL_LINE_MAX];
	size_t len;
	char *answer;
	size_t sent, answer_len;
};

struct control {
	int fd;
	uid_t owner;
	gid_t group;
	control_command *command;
	void *arg;
	struct client clients[CONTROL_CLIENTS];
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

/* The directory is another user's: what is there now under that name may be a link, or another name of a file
 * that is not his. Only a socket with one name is given away. */
static int give_socket(const char *path, uid_t owner, gid_t group)
{
	int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC), rc = -1, err = EPERM;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_nlink == 1) {
		rc = fchownat(fd, "", owner, group, AT_EMPTY_PATH);
		err = errno;
	}
	close(fd);
	errno = err;
	return rc;
}

static int listen_on(const char *path, uid_t owner, gid_t group)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), rc;
	struct stat st;
	mode_t mask;

	if (fd < 0)
		return -errno;
	strcpy(address.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path);
	mask = umask(0117);
	rc = bind(fd, (struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (rc == 0 && geteuid() == 0)
		rc = give_socket(path, owner, group);
	if (rc == 0)
		rc = listen(fd, CONTROL_CLIENTS);
	if (rc < 0) {
		rc = -errno;
		close(fd);
		return rc;
	}
	return fd;
}

struct control *control_open(const char *path, uid_t owner, gid_t group, control_command *command, void *arg)
{
	struct control *c = calloc(1, sizeof(*c));

	if (!c || strlen(path) >= sizeof(c->path)) {
		log_warnx("%s: %s", path, c ? "too long for a socket" : "no memory");
		free(c);
		return NULL;
	}
	strcpy(c->path, path);
	c->owner = owner;
	c->group = group;
	c->command = command;
	c->arg = arg;
	c->fd = listen_on(path, owner, group);
	if (c->fd < 0) {
		errno = -c->fd;
		log_warn("%s: socket", path);
		free(c);
		return NULL;
	}
	return c;
}

static void drop(struct client *client)
{
	close(client->fd);
	free(client->answer);
	memset(client, 0, sizeof(*client));
}

void control_close(struct control *c)
{
	int i;

	if (!c)
		return;
	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].state != STATE_FREE)
			drop(&c->clients[i]);
	unlink(c->path);
	close(c->fd);
	free(c);
}

static void accept_client(struct control *c, int64_t now_ms)
{
	int fd = accept4(c->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), i;
	struct ucred who;
	socklen_t len = sizeof(who);
	bool trusted;

	if (fd < 0)
		return;
	for (i = 0; i < CONTROL_CLIENTS && c->clients[i].state != STATE_FREE; i++)
		;
	if (i == CONTROL_CLIENTS || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0) {
		close(fd);
		return;
	}
	trusted = who.uid == 0 || who.uid == c->owner;
	if (!trusted && !peer_in_group(fd, who.gid, c->group)) {
		close(fd);
		return;
	}
	c->clients[i].state = STATE_READING;
	c->clients[i].fd = fd;
	c->clients[i].who = (struct control_who){.uid = who.uid, .trusted = trusted};
	c->clients[i].deadline_ms = now_ms + CONTROL_IDLE_MS;
}

static void write_answer(struct client *client)
{
	ssize_t n;

	while (client->sent < client->answer_len) {
		n = send(client->fd, client->answer + client->sent, client->answer_len - client->sent,
			 MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		client->sent += (size_t)n;
	}
	drop(client);
}

/* Takes over text. */
static void answer(struct client *client, char *text, int64_t now_ms)
{
	client->answer = text;
	client->answer_len = text ? strlen(text) : 0;
	client->sent = 0;
	client->state = STATE_WRITING;
	client->deadline_ms = now_ms + CONTROL_IDLE_MS;
	write_answer(client);
}

static void carry_out(struct control *c, struct client *client, int64_t now_ms)
{
	struct control_reply reply = {0};

	c->command(c->arg, client->line, &client->who, &reply);
	if (reply.text || reply.ticket == 0) {
		answer(client, reply.text, now_ms);
		return;
	}
	client->state = STATE_WAITING;
	client->ticket = reply.ticket;
	client->deadline_ms = now_ms + reply.wait_ms;
}

/* Programs have names in all scripts. */
static bool is_text(const char *line)
{
	const char *c;

	for (c = line; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return utf8_valid_until(line, strlen(line)) == strlen(line);
}

static void read_line(struct control *c, struct client *client, int64_t now_ms)
{
	size_t room = sizeof(client->line) - 1 - client->len, before = client->len;
	ssize_t n = recv(client->fd, client->line + client->len, room, 0);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	client->len += (size_t)n;
	client->line[client->len] = '\0';
	end = memchr(client->line + before, '\n', (size_t)n);
	if (end) {
		*end = '\0';
		if (strlen(client->line) == (size_t)(end - client->line) && is_text(client->line))
			carry_out(c, client, now_ms);
		else
			answer(client, strdup("failed: not a command\n"), now_ms);
	} else if (client->len == sizeof(client->line) - 1) {
		answer(client, strdup("failed: line too long\n"), now_ms);
	}
}

size_t control_poll(const struct control *c, struct pollfd *fds)
{
	size_t n = 0;
	int i;

	fds[n++] = (struct pollfd){.fd = c->fd, .events = POLLIN};
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		const struct client *client = &c->clients[i];

		if (client->state == STATE_READING)
			fds[n++] = (struct pollfd){.fd = client->fd, .events = POLLIN};
		else if (client->state == STATE_WRITING)
			fds[n++] = (struct pollfd){.fd = client->fd, .events = POLLOUT};
		else if (client->state == STATE_WAITING) /* only to hear that it hung up */
			fds[n++] = (struct pollfd){.fd = client->fd};
	}
	return n;
}

int control_timeout_ms(const struct control *c, int64_t now_ms)
{
	int64_t nearest = -1;
	int i;

	for (i = 0; i < CONTROL_CLIENTS; i++) {
		int64_t left = c->clients[i].deadline_ms - now_ms;

		if (c->clients[i].state == STATE_FREE)
			continue;
		if (left < 0)
			left = 0;
		if (nearest < 0 || left < nearest)
			nearest = left;
	}
	return (int)nearest;
}

static void serve(struct control *c, struct client *client, short revents, int64_t now_ms)
{
	if (client->state == STATE_READING && (revents & (POLLIN | POLLHUP | POLLERR)))
		read_line(c, client, now_ms);
	else if (client->state == STATE_WRITING && (revents & (POLLOUT | POLLHUP | POLLERR)))
		write_answer(client);
	else if (client->state == STATE_WAITING && (revents & (POLLHUP | POLLERR)))
		drop(client);
}

void control_serve(struct control *c, const struct pollfd *fds, size_t n, int64_t now_ms)
{
	size_t at;
	int i;

	for (at = 1; at < n; at++)
		for (i = 0; i < CONTROL_CLIENTS; i++)
			if (c->clients[i].state != STATE_FREE && c->clients[i].fd == fds[at].fd) {
				serve(c, &c->clients[i], fds[at].revents, now_ms);
				break;
			}
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &c->clients[i];

		if (client->state == STATE_FREE || client->deadline_ms > now_ms)
			continue;
		if (client->state == STATE_WAITING)
			answer(client, strdup("failed: no answer in time\n"), now_ms);
		else
			drop(client);
	}
	/* Last: a new client may get the number of an fd that was just closed. */
	if (n > 0 && (fds[0].revents & POLLIN))
		accept_client(c, now_ms);
}

void control_answer(struct control *c, uint64_t ticket, const char *text, int64_t now_ms)
{
	int i;

	for (i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].state == STATE_WAITING && c->clients[i].ticket == ticket)
			answer(&c->clients[i], strdup(text), now_ms);
}
