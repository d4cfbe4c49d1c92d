/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * deny.c - connect() that another BPF program refuses: makes the child cgroup CGROUP, puts itself in,
 * attaches a two-instruction cgroup/connect4 program that says no, and connects to HOST PORT. The cgroup is
 * removed by whoever started us.
 */
#include <fcntl.h>
#include <linux/bpf.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "tests/actors/actor.h"

int main(int argc, char **argv)
{
	static const struct bpf_insn no[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0},
		{.code = BPF_JMP | BPF_EXIT},
	};
	union bpf_attr a = {.prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR,
			    .expected_attach_type = BPF_CGROUP_INET4_CONNECT,
			    .insns = (uintptr_t)no,
			    .insn_cnt = 2,
			    .license = (uintptr_t) "GPL"};
	struct moved m = {0, 0};
	struct sockaddr_storage to;
	char path[512];
	socklen_t len;
	int cg, prog, fd;

	if (argc != 4)
		usage("CGROUP HOST PORT");
	if (mkdir(argv[1], 0755) && errno != EEXIST)
		die(argv[1]);
	snprintf(path, sizeof(path), "%s/cgroup.procs", argv[1]);
	if ((fd = open(path, O_WRONLY)) < 0 || write(fd, "0", 1) != 1)
		die(path);
	close(fd);
	cg = open(argv[1], O_RDONLY | O_DIRECTORY);
	if ((prog = syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a))) < 0)
		cannot("no BPF here");
	memset(&a, 0, sizeof(a));
	a.target_fd = cg;
	a.attach_bpf_fd = prog;
	a.attach_type = BPF_CGROUP_INET4_CONNECT;
	a.attach_flags = BPF_F_ALLOW_MULTI;
	if (syscall(SYS_bpf, BPF_PROG_ATTACH, &a, sizeof(a)))
		die("attach");
	len = address(&to, argv[2], argv[3]);
	fd = socket(to.ss_family, SOCK_STREAM, 0);
	if (connect(fd, (struct sockaddr *)&to, len) == 0)
		printf("result OPEN\n");
	else
		printf("result %s\n", strerrorname_np(errno));
	close(fd);
	moved_say(&m);
	return 0;
}
