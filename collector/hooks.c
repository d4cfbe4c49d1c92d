// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/hooks.h"

#include <stdio.h>
#include <string.h>

static const struct hook hooks[] = {
	/* who: Linux 4.16 (tp_btf: 5.5) */
	{"on_exec", HOOKS_ALWAYS, 0, NULL},
	{"on_fork", HOOKS_ALWAYS, 0, NULL},
	{"on_exit", HOOKS_ALWAYS, 0, NULL},
	{"on_cgroup_mkdir", HOOKS_ALWAYS, 0, NULL},
	/* attempts, and the end of sockets */
	{"on_release", HOOKS_ALWAYS, HOOK_STAYS, NULL},
	{"on_kernel_end", HOOKS_ALWAYS, HOOK_EXTRA, NULL},
	{"on_connect", HOOKS_ALWAYS, 0, NULL}, /* Linux 5.10 to 5.16: instead of the next two */
	{"on_destroy", HOOKS_ALWAYS, 0, NULL}, /* the same kernels */
	{"on_connect4", HOOKS_ALWAYS, 0, NULL},
	{"on_connect6", HOOKS_ALWAYS, 0, NULL},
	{"on_state", HOOKS_ALWAYS, 0, NULL},
	{"on_sctp_connect", HOOKS_ALWAYS, HOOK_EXTRA, "sctp"},
	/* peers of datagrams */
	{"on_sendmsg4", HOOKS_ALWAYS, 0, NULL},
	{"on_sendmsg6", HOOKS_ALWAYS, 0, NULL},
	{"on_recvmsg4", HOOKS_ALWAYS, 0, NULL},
	{"on_recvmsg6", HOOKS_ALWAYS, 0, NULL},
	/* bytes */
	{"on_tcp_copied", HOOKS_ALWAYS, HOOK_CATCHES_UP, NULL},
	{"on_send", HOOKS_TRACEPOINTS, HOOK_NAMES, NULL},
	{"on_receive", HOOKS_TRACEPOINTS, HOOK_NAMES, NULL},
	{"on_sctp_receive", HOOKS_TRACEPOINTS, HOOK_EXTRA, "sctp"}, /* what the two do not see of it */
	{"on_inet_sendmsg", HOOKS_TRAMPOLINES, HOOK_NAMES, NULL},
	{"on_inet6_sendmsg", HOOKS_TRAMPOLINES, HOOK_NAMES, NULL},
	{"on_inet_recvmsg", HOOKS_TRAMPOLINES, HOOK_NAMES, NULL},
	{"on_inet6_recvmsg", HOOKS_TRAMPOLINES, HOOK_NAMES, NULL},
	{"on_common_recvmsg", HOOKS_TRAMPOLINES, HOOK_NAMES, NULL},
	{"on_packet_sendmsg", HOOKS_TRAMPOLINES, 0, NULL},
	{"on_packet_sendmsg_spkt", HOOKS_TRAMPOLINES, 0, NULL},
	{"on_packet_recvmsg", HOOKS_TRAMPOLINES, 0, NULL},
	/* until Linux 6.4; sock_send_length does not see it */
	{"on_inet_sendpage", HOOKS_ALWAYS, HOOK_EXTRA | HOOK_NAMES, NULL},
	{"on_vsock_sendmsg", HOOKS_TRAMPOLINES, HOOK_EXTRA, "vsock"},
	{"on_vsock_recvmsg", HOOKS_TRAMPOLINES, HOOK_EXTRA, "vsock"},
	{"on_vsock_dgram_sendmsg", HOOKS_TRAMPOLINES, HOOK_EXTRA, "vsock"},
	{"on_vsock_dgram_recvmsg", HOOKS_TRAMPOLINES, HOOK_EXTRA, "vsock"},
	/* who stands behind a device; vhost_net calls the sockets of the first two */
	{"on_tun_write", HOOKS_ALWAYS, HOOK_EXTRA, "tun"},
	{"on_tun_read", HOOKS_ALWAYS, HOOK_EXTRA, "tun"},
	{"on_tun_sendmsg", HOOKS_ALWAYS, HOOK_EXTRA, "tun"},
	{"on_tun_recvmsg", HOOKS_ALWAYS, HOOK_EXTRA, "tun"},
	{"on_tap_write", HOOKS_ALWAYS, HOOK_EXTRA, "tap"},
	{"on_tap_read", HOOKS_ALWAYS, HOOK_EXTRA, "tap"},
	{"on_tap_sendmsg", HOOKS_ALWAYS, HOOK_EXTRA, "tap"},
	{"on_tap_recvmsg", HOOKS_ALWAYS, HOOK_EXTRA, "tap"},
	{"on_xdp_bind", HOOKS_ALWAYS, HOOK_EXTRA, NULL},
	/* what the kernel moves for WireGuard and its kin */
	{"on_tunnel_send4", HOOKS_ALWAYS, HOOK_EXTRA, NULL},
	{"on_tunnel_send6", HOOKS_ALWAYS, HOOK_EXTRA, NULL},
	{"on_wireguard", HOOKS_ALWAYS, HOOK_EXTRA, "wireguard"},
	{"on_vxlan", HOOKS_ALWAYS, HOOK_EXTRA, "vxlan"},
	{"on_geneve", HOOKS_ALWAYS, HOOK_EXTRA, "geneve"},
	/* past recvmsg */
	{"on_splice_read", HOOKS_ALWAYS, HOOK_EXTRA | HOOK_NAMES, NULL},
	/* names: in the C libraries that programs use; in packets */
	{"on_resolve", HOOKS_ALWAYS, HOOK_EXTRA | HOOK_LATER, NULL},
	{"on_resolved", HOOKS_ALWAYS, HOOK_EXTRA | HOOK_LATER, NULL},
	{"on_answer", HOOKS_ALWAYS, HOOK_EXTRA | HOOK_LATER, NULL},
	/* read by the collector */
	{"sweep_sockets", HOOKS_ALWAYS, HOOK_READ, NULL},
	{"seed_tasks", HOOKS_ALWAYS, HOOK_READ, NULL},
	{"seed_sockets", HOOKS_ALWAYS, HOOK_READ, NULL},
};

/* The length of the name of the program that this one is, or repeats. */
static size_t first_len(const char *program)
{
	static const char *const repeats[] = {"_again", "_once_more"};
	size_t len = strlen(program), tail;

	for (size_t i = 0; i < sizeof(repeats) / sizeof(repeats[0]); i++) {
		tail = strlen(repeats[i]);
		if (len > tail && strcmp(program + len - tail, repeats[i]) == 0)
			return len - tail;
	}
	return len;
}

bool hooks_is_repeat(const char *program)
{
	return first_len(program) < strlen(program);
}

bool hooks_first(char *first, size_t size, const char *program)
{
	int n = snprintf(first, size, "%.*s", (int)first_len(program), program);

	return n > 0 && (size_t)n < size;
}

const struct hook *hooks_find(const char *program)
{
	size_t len = first_len(program);

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++)
		if (strlen(hooks[i].program) == len && strncmp(hooks[i].program, program, len) == 0)
			return &hooks[i];
	return NULL;
}

const char *hooks_module(unsigned which)
{
	const char *last = NULL;

	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		if (!hooks[i].module || (last && strcmp(hooks[i].module, last) == 0))
			continue;
		last = hooks[i].module;
		if (which-- == 0)
			return last;
	}
	return NULL;
}

const char *hooks_set_name(enum hooks_set set)
{
	static const char *const names[HOOKS__MAX] = {
		[HOOKS_ALWAYS] = "none",
		[HOOKS_TRACEPOINTS] = "tracepoints",
		[HOOKS_TRAMPOLINES] = "trampolines",
	};

	return names[set];
}
