// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/object.h"

#include <bpf/libbpf.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf/wire.h"

#include "bpf/femtosnitch.skel.h"
#include "bpf/femtosnitch_early.skel.h"

/* bpf_loop came last of what the other object needs (Linux 5.17). Asked of the kernel itself: enterprise
 * kernels have it under older numbers. */
static int kernel_is_early(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SOCKET_FILTER, BPF_FUNC_loop, NULL) == 0;
}

const void *object_bytes(size_t *size)
{
	return kernel_is_early() ? femtosnitch_early__elf_bytes(size) : femtosnitch__elf_bytes(size);
}

const void *object_bytes_not_here(size_t *size)
{
	return kernel_is_early() ? femtosnitch__elf_bytes(size) : NULL;
}

/* Whole pages of it; what shares a page with others stays. */
static void give_back(const void *bytes, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)bytes + page - 1) & -page,
		  to = ((uintptr_t)bytes + size) & -page;

	if (from < to)
		(void)madvise((void *)from, to - from, MADV_DONTNEED); /* read only: nothing is lost */
}

void object_give_back(void)
{
	size_t size;
	const void *bytes = femtosnitch__elf_bytes(&size);

	give_back(bytes, size);
	bytes = femtosnitch_early__elf_bytes(&size);
	give_back(bytes, size);
}
