/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sockmap.c - a BPF program carries bytes from one TCP socket to another inside the kernel, as proxies and
 * service meshes have it done.
 *   proxy   accepts one connection at HOST PORT and makes one to TO TOPORT: what comes in on the one goes out
 *           by the other (sk_skb, egress)
 *   bounce  accepts two; what comes in on the first is put into the receive queue of the second and read
 *           there: BYTES (sk_skb, ingress)
 *   short   connects to itself at HOST PORT; what is sent goes straight into the receive queue of the other
 *           end (sk_msg), where PROGRAM, a copy of this one, reads it: read FD BYTES
 *   send    connects and asks with 10 bytes, which proxy and bounce read and answer with one when they are
 *           prepared; then it sends BYTES
 */
#include "tests/actors/actor.h"

#include <linux/bpf.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static struct moved moved;

static long bpf(int command, union bpf_attr *a)
{
	return syscall(SYS_bpf, command, a, sizeof(*a));
}

static int map_of_sockets(void)
{
	union bpf_attr a = {
		.map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4, .max_entries = 4};
	int map = bpf(BPF_MAP_CREATE, &a);

	if (map < 0)
		cannot("no BPF here, or no maps of sockets");
	return map;
}

static void put(int map, uint32_t key, int fd)
{
	uint32_t value = fd;
	union bpf_attr a = {.map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)&value};

	if (bpf(BPF_MAP_UPDATE_ELEM, &a))
		die("put a socket into the map");
}

/* return helper(ctx, map, 0, flags): all that arrives at (or is sent on) a socket of map goes to its first.
 */
static void redirect(int map, int program, int attach, int helper, int flags)
{
	struct bpf_insn code[] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = BPF_REG_2,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_3},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_4, .imm = flags},
		{.code = BPF_JMP | BPF_CALL, .imm = helper},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr a = {.prog_type = program,
			    .insns = (uintptr_t)code,
			    .insn_cnt = sizeof(code) / sizeof(*code),
			    .license = (uintptr_t) "GPL"};
	int prog = bpf(BPF_PROG_LOAD, &a);

	if (prog < 0)
		cannot("BPF programs for sockets are refused");
	memset(&a, 0, sizeof(a));
	a.target_fd = map;
	a.attach_bpf_fd = prog;
	a.attach_type = attach;
	if (bpf(BPF_PROG_ATTACH, &a))
		cannot("no redirection without a parser (Linux 5.10)");
}

static int listening(const char *host, const char *port)
{
	struct sockaddr_storage ss;
	socklen_t len = address(&ss, host, port);
	int fd = socket(ss.ss_family, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
	if (bind(fd, (struct sockaddr *)&ss, len) || listen(fd, 4))
		die("listen");
	return fd;
}

/* A socket of a map may wake up for nothing and say so. */
static void receive_mapped(int fd, unsigned long long n)
{
	static char buf[65536];

	while (n) {
		ssize_t r = recv(fd, buf, n < sizeof(buf) ? n : sizeof(buf), 0);

		if (r < 0 && errno == EAGAIN)
			continue;
		if (r <= 0)
			die("recv");
		moved.received += r;
		n -= r;
	}
}

/* Until the other side has no more to send. */
static void wait_end(int fd)
{
	poll(&(struct pollfd){fd, POLLRDHUP, 0}, 1, -1);
}

static void proxy(const char *host, const char *port, const char *to, const char *to_port)
{
	int map = map_of_sockets(), l = listening(host, port), in, out;

	redirect(map, BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT, BPF_FUNC_sk_redirect_map, 0);
	step("ready");
	if ((in = accept(l, NULL, NULL)) < 0)
		die("accept");
	out = connected(SOCK_STREAM, 0, to, to_port);
	receive_all(in, 10, &moved);
	put(map, 0, out);
	put(map, 1, in);
	send_all(in, 1, &moved);
	wait_end(in);
	wait_ms(200); /* a worker of the kernel carries on when we are told of the end */
	close(in);
	shutdown(out, SHUT_WR);
	wait_end(out);
	close(out);
}

static void bounce(const char *host, const char *port, unsigned long long bytes)
{
	int map = map_of_sockets(), l = listening(host, port), from, to;

	redirect(map, BPF_PROG_TYPE_SK_SKB, BPF_SK_SKB_STREAM_VERDICT, BPF_FUNC_sk_redirect_map,
		 BPF_F_INGRESS);
	step("ready");
	if ((from = accept(l, NULL, NULL)) < 0)
		die("accept");
	step("first");
	if ((to = accept(l, NULL, NULL)) < 0)
		die("accept");
	receive_all(from, 10, &moved);
	put(map, 0, to);
	put(map, 1, from);
	send_all(from, 1, &moved);
	receive_mapped(to, bytes);
	close(from);
	close(to);
}

static void direct(const char *host, const char *port, unsigned long long bytes, const char *program)
{
	int map = map_of_sockets(), l = listening(host, port), out, in, status;
	char number[16], many[32];
	pid_t pid;

	redirect(map, BPF_PROG_TYPE_SK_MSG, BPF_SK_MSG_VERDICT, BPF_FUNC_msg_redirect_map, BPF_F_INGRESS);
	out = connected(SOCK_STREAM, 0, host, port);
	if ((in = accept(l, NULL, NULL)) < 0)
		die("accept");
	put(map, 0, in);
	put(map, 1, out);
	snprintf(number, sizeof(number), "%d", in);
	snprintf(many, sizeof(many), "%llu", bytes);
	if ((pid = fork()) == 0) {
		execl(program, program, "read", number, many, (char *)NULL);
		die(program);
	}
	send_all(out, bytes, &moved);
	waitpid(pid, &status, 0);
	close(in);
	close(out);
	if (status)
		exit(1);
}

static void give(const char *host, const char *port, unsigned long long bytes)
{
	int fd = connected(SOCK_STREAM, 0, host, port);

	send_all(fd, 10, &moved);
	receive_all(fd, 1, &moved);
	send_all(fd, bytes, &moved);
	finish(fd, &moved);
}

int main(int argc, char **argv)
{
	if (argc == 6 && !strcmp(argv[1], "proxy"))
		proxy(argv[2], argv[3], argv[4], argv[5]);
	else if (argc == 6 && !strcmp(argv[1], "short"))
		direct(argv[2], argv[3], amount(argv[4]), argv[5]);
	else if (argc == 5 && !strcmp(argv[1], "bounce"))
		bounce(argv[2], argv[3], amount(argv[4]));
	else if (argc == 5 && !strcmp(argv[1], "send"))
		give(argv[2], argv[3], amount(argv[4]));
	else if (argc == 4 && !strcmp(argv[1], "read"))
		receive_mapped(atoi(argv[2]), amount(argv[3]));
	else
		usage("proxy HOST PORT TO TOPORT | bounce|send HOST PORT BYTES | read FD BYTES | "
		      "short HOST PORT BYTES PROGRAM");
	moved_say(&moved);
	return 0;
}
