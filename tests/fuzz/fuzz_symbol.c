// SPDX-License-Identifier: GPL-2.0-or-later
/* fuzz_symbol.c - any bytes as the C library of a program. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "collector/symbol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("library", MFD_CLOEXEC);
	uint64_t offset;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	(void)symbol_find(fd, "getaddrinfo", &offset);
	close(fd);
	return 0;
}
