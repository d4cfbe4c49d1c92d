// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * host.c - see host.h.
 */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "store/host.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MACHINE_ID "/etc/machine-id" /* machine-id(5): 32 hexadecimal digits and a newline */
#define MACHINE_ID_LEN 32

void host_id(unsigned char id[HOST_ID])
{
	static const char salt[] = "femtosnitch";
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char text[MACHINE_ID_LEN];
	SHA256_CTX ctx;
	int fd = open(MACHINE_ID, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (fd >= 0)
		close(fd);
	memset(id, 0, HOST_ID);
	if (n != (ssize_t)sizeof(text))
		return;
	SHA256_Init(&ctx);
	SHA256_Update(&ctx, salt, sizeof(salt));
	SHA256_Update(&ctx, text, sizeof(text));
	SHA256_Final(hash, &ctx);
	memcpy(id, hash, HOST_ID);
}

void host_name(char *name, size_t size)
{
	size_t i;

	if (gethostname(name, size) != 0 || name[0] == '\0')
		snprintf(name, size, "localhost");
	name[size - 1] = '\0';
	for (i = 0; name[i]; i++)
		if (name[i] <= ' ' || name[i] > '~')
			name[i] = '?';
}
