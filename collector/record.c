// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/record.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* A wire_exec with its path and arguments, built anew. */
struct exec_frame {
	struct wire_exec exec;
	char data[WIRE_PATH_MAX + WIRE_ARGV_MAX];
};

static struct exec_frame frame; /* 37 KB, touched only as far as a record reaches */

static void put(struct record *rec, enum wire_type type, const void *payload, size_t len, uint64_t bytes)
{
	int rc = frame_put(rec->stage->out, type, payload, len, NULL, 0);

	if (rc == 0 || rc == -EPIPE) /* the hasher is gone: the journal, if there is one, has it */
		return;
	rec->dropped++;
	rec->dropped_bytes += bytes;
}

/* The kernel walked from the file to the root, so the components come leaf first, each with its NUL. Fills to
 * (WIRE_PATH_MAX bytes) from its end; returns the length with NUL, 0: not what the kernel promises. */
static size_t path_build(char *to, const char *parts, size_t len, bool cut)
{
	size_t at = 0;

	if (len && parts[len - 1])
		return 0;
	/* last component in parts is the first of the path */
	for (size_t end = len; end > 0;) {
		size_t start = end - 1;

		while (start > 0 && parts[start - 1])
			start--;
		if (at + (end - start) + 1 > WIRE_PATH_MAX)
			break;
		if (cut && at == 0) { /* the beginning is missing: no absolute path, and it shows */
			to[at++] = '?';
		}
		to[at++] = '/';
		memcpy(to + at, parts + start, end - start - 1);
		at += end - start - 1;
		end = start;
	}
	if (at == 0)
		to[at++] = '/';
	to[at++] = '\0';
	return at;
}

/* Each argument ends in NUL; a process that has overwritten its arguments may have none at the end. */
static size_t argv_build(char *to, const char *argv, size_t len)
{
	if (!len)
		return 0;
	memcpy(to, argv, len);
	to[len - 1] = '\0';
	return len;
}

/* The supervisor, what it starts, and what we start. */
static bool is_ours(const struct record *rec, const struct wire_exec *exec)
{
	uint32_t supervisor = (uint32_t)getppid();

	return exec->image.tgid == supervisor || exec->parent.tgid == supervisor ||
	       (rec->own.tgid && exec->parent.tgid == rec->own.tgid);
}

static int exec_put(struct record *rec, const struct wire_exec *exec, const char *path, size_t path_len,
		    const char *argv, size_t argv_len)
{
	frame.exec = *exec;
	frame.exec.comm[WIRE_COMM_SIZE - 1] = '\0';
	frame.exec.time_ns = clock_unix(&rec->clock, exec->time_ns);
	if (exec->flags & WIRE_EXEC_PATH_REVERSED)
		path_len = path_build(frame.data, path, path_len, exec->flags & WIRE_EXEC_PATH_CUT);
	else
		path_len = 0;
	frame.exec.flags &= ~(uint32_t)WIRE_EXEC_PATH_REVERSED;
	if (is_ours(rec, exec))
		frame.exec.flags |= WIRE_EXEC_SELF;
	frame.exec.path_len = path_len;
	frame.exec.argv_len = argv_build(frame.data + path_len, argv, argv_len);
	put(rec, WIRE_EXEC, &frame, sizeof(frame.exec) + path_len + frame.exec.argv_len, 0);
	return 0;
}

static bool exec_is_whole(const struct wire_hdr *hdr, const struct wire_exec *exec)
{
	return hdr->len >= sizeof(*exec) && exec->path_len <= WIRE_PATH_MAX &&
	       exec->argv_len <= WIRE_ARGV_MAX && hdr->len == sizeof(*exec) + exec->path_len + exec->argv_len;
}

/* Of this collector, or of the one before, whose number another process may have by now. */
static bool is_own(const struct record_own *own, const struct wire_image_key *key)
{
	return key->tgid == own->tgid ||
	       (key->tgid == own->before.tgid && key->start_ns == own->before.start_ns && key->start_ns);
}

/* Who uses the network from inside the kernel (tgid 0) is told by its name, or by a function of it, as in
 * "xs_data_ready [sunrpc]". Its name then is the module's; of what is built in the function's, unless that is
 * the one that every socket has. */
static void name_kernel_user(char comm[WIRE_COMM_SIZE], const char *symbol, size_t len)
{
	static const char nobodys[] = "sock_def_";
	const char *module = memchr(symbol, '[', len);

	if (module) {
		len -= (size_t)(module + 1 - symbol);
		symbol = module + 1;
	} else if (len >= sizeof(nobodys) && memcmp(symbol, nobodys, sizeof(nobodys) - 1) == 0) {
		symbol = "socket";
		len = sizeof("socket");
	}
	memset(comm, 0, WIRE_COMM_SIZE);
	for (size_t i = 0; i < len && i < WIRE_COMM_SIZE - 1 && symbol[i] && symbol[i] != ']'; i++)
		comm[i] = symbol[i];
}

static int take_kernel_user(struct record *rec, const struct wire_exec *exec, const char *symbol, size_t len)
{
	struct wire_exec named = *exec;

	name_kernel_user(named.comm, symbol, len);
	return exec_put(rec, &named, NULL, 0, NULL, 0);
}

static int take_exec(struct record *rec, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_exec *exec = payload;
	const char *path = (const char *)(exec + 1);

	if (!exec_is_whole(hdr, exec))
		return -EPROTO;
	if (exec->flags & WIRE_EXEC_KERNEL && exec->image.tgid == 0)
		return take_kernel_user(rec, exec, path + exec->path_len, exec->argv_len);
	if (rec->own.child && exec->image.tgid == rec->own.child) {
		rec->own.execs += exec->source == WIRE_EXEC_EXECVE;
		return 0;
	}
	if (exec->source == WIRE_EXEC_NETWORK)
		libc_look(rec->libc, exec, clock_unix(&rec->clock, exec->time_ns));
	if (exec->source == WIRE_EXEC_NETWORK && is_own(&rec->own, &exec->image))
		return 0; /* the self-test's sockets; its flows are not passed on either */
	return exec_put(rec, exec, path, exec->path_len, path + exec->path_len, exec->argv_len);
}

static void note_own(struct record_own *own, const struct wire_flow *flow)
{
	if (flow->image.tgid != own->tgid)
		return;
	own->key = flow->image;
	if (flow->protocol == IPPROTO_UDP) {
		own->udp_sent += flow->sent_bytes;
		own->udp_received += flow->received_bytes;
	} else if (flow->protocol == IPPROTO_TCP) {
		own->tcp_sent += flow->sent_bytes;
		own->tcp_received += flow->received_bytes;
	}
	own->ended += !!(flow->flags & WIRE_FLOW_ENDED);
}

static int take_flow(struct record *rec, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_flow flow;

	if (hdr->len != sizeof(flow))
		return -EPROTO;
	memcpy(&flow, payload, sizeof(flow));
	if (is_own(&rec->own, &flow.image)) {
		note_own(&rec->own, &flow);
		return 0;
	}
	flow.last_ns = clock_unix(&rec->clock, flow.last_ns);
	flow.first_ns = flow.first_ns ? clock_unix(&rec->clock, flow.first_ns) : flow.last_ns;
	if (flow.first_ns > flow.last_ns)
		flow.first_ns = flow.last_ns;
	put(rec, WIRE_FLOW, &flow, sizeof(flow), flow.sent_bytes + flow.received_bytes);
	return 0;
}

static int take_fork(struct record *rec, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_fork fork;

	if (hdr->len != sizeof(fork))
		return -EPROTO;
	memcpy(&fork, payload, sizeof(fork));
	fork.time_ns = clock_unix(&rec->clock, fork.time_ns);
	put(rec, WIRE_FORK, &fork, sizeof(fork), 0);
	return 0;
}

static int take_exit(struct record *rec, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_exit gone;

	if (hdr->len != sizeof(gone))
		return -EPROTO;
	memcpy(&gone, payload, sizeof(gone));
	gone.time_ns = clock_unix(&rec->clock, gone.time_ns);
	put(rec, WIRE_EXIT, &gone, sizeof(gone), 0);
	return 0;
}

static int take_cgroup(struct record *rec, const struct wire_hdr *hdr, const void *payload)
{
	const struct wire_cgroup *cgroup = payload;
	const char *path = (const char *)(cgroup + 1);

	if (hdr->len < sizeof(*cgroup) || cgroup->path_len > WIRE_CGROUP_MAX ||
	    hdr->len != sizeof(*cgroup) + cgroup->path_len ||
	    strnlen(path, cgroup->path_len) + 1 != cgroup->path_len)
		return -EPROTO;
	put(rec, WIRE_CGROUP, cgroup, hdr->len, 0);
	return 0;
}

/* Only names may look into it. What it does not take is dropped and counted there. */
static int take_payload(struct record *rec, const struct wire_hdr *hdr, const void *payload)
{
	struct wire_payload p;

	if (hdr->len < sizeof(p))
		return -EPROTO;
	memcpy(&p, payload, sizeof(p));
	if (p.data_len > WIRE_PAYLOAD_MAX || hdr->len != sizeof(p) + p.data_len ||
	    p.flags & ~(uint32_t)WIRE_PAYLOAD_FLAGS)
		return -EPROTO;
	if (!rec->payload || is_own(&rec->own, &p.image))
		return 0;
	p.time_ns = clock_unix(&rec->clock, p.time_ns);
	rec->payload(rec->payload_arg, &p, (const char *)payload + sizeof(p));
	return 0;
}

static int take_call(struct record *rec, const struct wire_hdr *hdr, const void *payload)
{
	(void)hdr;
	(void)payload;
	rec->overflow_half_full = 1;
	return 0;
}

int record_take(void *arg, const void *data, size_t size)
{
	static int (*const take[WIRE__MAX])(struct record *, const struct wire_hdr *, const void *) = {
		[WIRE_EXEC] = take_exec,       [WIRE_FLOW] = take_flow, [WIRE_FORK] = take_fork,
		[WIRE_EXIT] = take_exit,       [WIRE_TICK] = take_call, [WIRE_CGROUP] = take_cgroup,
		[WIRE_PAYLOAD] = take_payload,
	};
	struct record *rec = arg;
	struct wire_hdr hdr;

	if (size < sizeof(hdr))
		goto malformed;
	memcpy(&hdr, data, sizeof(hdr));
	if (hdr.version != WIRE_VERSION || hdr.type >= WIRE__MAX || !take[hdr.type] ||
	    hdr.len > size - sizeof(hdr))
		goto malformed;
	if (take[hdr.type](rec, &hdr, (const char *)data + sizeof(hdr)) == 0)
		return 0;
malformed:
	rec->dropped++;
	return 0;
}

int record_take_running(struct record *rec, const void *data, size_t size, const char *argv, size_t argv_len)
{
	struct wire_exec exec; /* the iterator packs records without regard to alignment */
	struct wire_hdr hdr;
	const char *path = (const char *)data + sizeof(hdr) + sizeof(exec);

	if (size < sizeof(hdr) + sizeof(exec))
		return -EPROTO;
	memcpy(&hdr, data, sizeof(hdr));
	memcpy(&exec, (const char *)data + sizeof(hdr), sizeof(exec));
	if (hdr.type != WIRE_EXEC || hdr.len > size - sizeof(hdr) || !exec_is_whole(&hdr, &exec))
		return -EPROTO;
	return exec_put(rec, &exec, path, exec.path_len, argv,
			argv_len < WIRE_ARGV_MAX ? argv_len : WIRE_ARGV_MAX);
}
