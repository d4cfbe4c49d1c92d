// SPDX-License-Identifier: GPL-2.0-or-later
/* xdp DEVICE - binds an AF_XDP socket to queue 0 of DEVICE, in copy mode, and moves nothing. */
#include <linux/if_xdp.h>
#include <net/if.h>
#include <sys/mman.h>

#include "tests/actors/actor.h"

#ifndef AF_XDP
#define AF_XDP 44
#endif
#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#define FRAMES 64
#define FRAME 4096

static void set(int fd, int option, const void *value, socklen_t len)
{
	if (setsockopt(fd, SOL_XDP, option, value, len))
		die("setsockopt");
}

int main(int argc, char **argv)
{
	struct sockaddr_xdp address = {.sxdp_family = AF_XDP, .sxdp_flags = XDP_COPY};
	struct xdp_umem_reg memory = {.len = FRAMES * FRAME, .chunk_size = FRAME};
	const int entries = FRAMES;
	struct moved m = {};
	int fd;

	if (argc != 2 || !(address.sxdp_ifindex = if_nametoindex(argv[1])))
		usage("DEVICE");
	fd = socket(AF_XDP, SOCK_RAW, 0);
	if (fd < 0 && errno == EAFNOSUPPORT)
		cannot("this kernel lacks AF_XDP");
	if (fd < 0)
		die("socket");
	memory.addr =
		(uintptr_t)mmap(NULL, memory.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	set(fd, XDP_UMEM_REG, &memory, sizeof(memory));
	set(fd, XDP_UMEM_FILL_RING, &entries, sizeof(entries));
	set(fd, XDP_UMEM_COMPLETION_RING, &entries, sizeof(entries));
	set(fd, XDP_RX_RING, &entries, sizeof(entries));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
		die("bind");
	moved_say(&m);
	return 0;
}
