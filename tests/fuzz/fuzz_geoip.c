// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fuzz_geoip.c - any bytes as a database of countries and networks: what is said of an address has the shape
 * that the log takes, or nothing is said.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/geoip.h"

#define ADDRESSES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* MMDB_open() of libmaxminddb 1.7 does not free all when the metadata is damaged. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

static void ask(struct geoip *g, int family, const uint8_t addr[16])
{
	struct geoip_answer answer;
	struct geoip_place place;

	if (!geoip_find(g, family, addr, &place))
		return;
	geoip_read(g, &place, &answer);
	if (memchr(answer.name, '\0', sizeof(answer.name)) == NULL ||
	    (answer.country[0] && (answer.country[0] < 'A' || answer.country[0] > 'Z' ||
				   answer.country[1] < 'A' || answer.country[1] > 'Z' || answer.country[2])))
		abort();
}

static void ask_all(struct geoip *g)
{
	static const uint8_t addr[ADDRESSES][16] = {
		{10, 1, 2, 3}, {255, 255, 255, 255}, {0}, {0x20, 1, 0xd, 0xb8}};
	char text[512];

	for (int i = 0; i < ADDRESSES; i++) {
		ask(g, AF_INET, addr[i]);
		ask(g, AF_INET6, addr[i]);
	}
	geoip_trim(g);
	ask(g, AF_INET, addr[0]);
	geoip_describe(g, text, sizeof(text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct settings settings = {.geoip_lookup = true, .log_addresses = true};
	int fd = memfd_create("geoip", MFD_CLOEXEC);
	struct geoip *g = geoip_new("/nowhere");
	char path[64];

	if (fd < 0 || !g || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	settings.geoip_country = settings.geoip_asn = path;
	(void)geoip_refresh(g, &settings);
	ask_all(g);
	geoip_free(g);
	close(fd);
	return 0;
}
