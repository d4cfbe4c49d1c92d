// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * test_hosts.c - hosts(5) as people and programs write it, whole and in pieces, and what is said when it
 * changes.
 */
#include "collector/names/hosts.h"

#include <arpa/inet.h>

#include "config/wire_check.h"
#include "tests/unit/names/vector.h"

static char told[8192];
static unsigned names;

static void note(void *arg, const struct wire_name *name, const char *text)
{
	struct wire_hdr hdr = {
		.version = WIRE_VERSION, .type = WIRE_NAME, .len = sizeof(*name) + name->name_len};
	char frame[sizeof(*name) + WIRE_DOMAIN_MAX], addr[INET6_ADDRSTRLEN];
	size_t used = strlen(told);

	(void)arg;
	memcpy(frame, name, sizeof(*name));
	memcpy(frame + sizeof(*name), text, name->name_len);
	assert_null(wire_check(&hdr, frame));
	assert_int_equal(name->netns, 9);
	names++;
	inet_ntop(name->family, name->addr, addr, sizeof(addr));
	snprintf(told + used, sizeof(told) - used, "%s%s%s %s", used ? "; " : "", name->ttl_s ? "" : "-",
		 text, addr);
}

/* The file in pieces of n bytes; what it says. */
static const char *read_file(struct hosts *h, const char *text, size_t n)
{
	size_t len = strlen(text);

	told[0] = '\0';
	names = 0;
	for (size_t at = 0; at == 0 || at < len; at += n) {
		struct wire_hosts piece = {.netns = 9, .text_len = (__u32)(len - at < n ? len - at : n)};
		uint8_t *copy = exactly((const uint8_t *)text + at, piece.text_len);

		piece.flags = (at == 0 ? WIRE_HOSTS_FIRST : 0) | (at + n >= len ? WIRE_HOSTS_LAST : 0);
		hosts_piece(h, &piece, (const char *)copy);
		free(copy);
	}
	return told;
}

static const char usual[] = "127.0.0.1\tlocalhost\n"
			    "# 192.0.2.9 commented.example.org\n"
			    "192.0.2.1   Server.Example.ORG. server alias # the big one\r\n"
			    "\n"
			    "::1 ip6-localhost ip6-loopback\n"
			    "fe80::1%eth0 scoped\n"
			    "0.0.0.0 ads.example.com\n"
			    ":: ads.example.net\n"
			    "192.0.2.1 second.example.org\n"
			    "192.0.2.2\n"
			    "nonsense 192.0.2.3\n"
			    "192.0.2.4 a\x1b[1m";

static void the_first_name_of_an_address_counts(void **state)
{
	static const size_t sizes[] = {1, 7, 100, 4096};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct hosts *h = hosts_new(note, NULL);

		assert_string_equal(read_file(h, usual, sizes[i]),
				    "localhost 127.0.0.1; server.example.org 192.0.2.1; ip6-localhost ::1; "
				    "a\\027\\0911m 192.0.2.4");
		hosts_free(h);
	}
}

static void only_changes_are_said(void **state)
{
	struct hosts *h = hosts_new(note, NULL);

	(void)state;
	assert_string_equal(read_file(h, "192.0.2.1 a\n192.0.2.2 b\n192.0.2.3 c\n", 4096),
			    "a 192.0.2.1; b 192.0.2.2; c 192.0.2.3");
	assert_string_equal(read_file(h, "192.0.2.3 c\n192.0.2.1 a\n192.0.2.2 b\n", 4096), "");
	assert_string_equal(read_file(h, "192.0.2.2 x\n192.0.2.3 c\n", 4096),
			    "-b 192.0.2.2; x 192.0.2.2; -a 192.0.2.1");
	assert_string_equal(read_file(h, "", 4096), "-c 192.0.2.3; -x 192.0.2.2");
	hosts_free(h);
}

static void long_files_and_lines_are_bounded(void **state)
{
	struct hosts *h = hosts_new(note, NULL);
	size_t size = 1 << 20, used = 0;
	char *text = malloc(size);

	(void)state;
	for (unsigned i = 0; i < HOSTS_MAX + 100; i++)
		used += (size_t)snprintf(text + used, size - used, "10.0.%u.%u h%u\n", i / 256, i % 256 + 1,
					 i);
	read_file(h, text, 4096);
	assert_int_equal(names, HOSTS_MAX);
	memset(text, ' ', 100000);
	memcpy(text, "192.0.2.1", 9);
	strcpy(text + 100000, "far\n192.0.2.2 near\n");
	hosts_free(h);
	h = hosts_new(note, NULL);
	assert_string_equal(read_file(h, text, 4096), "near 192.0.2.2");
	hosts_free(h);
	free(text);
}

/* At each byte of it. What is told of a part is told of the whole, or of a name that the cut made shorter. */
static void cut_files_tell_what_they_have(void **state)
{
	static const char *const vectors[] = {"hosts/usual", "hosts/blocked", "hosts/odd"};
	static struct vector v;

	(void)state;
	for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		unsigned most = 0;

		load(&v, vectors[i]);
		for (size_t len = 0; len <= v.len; len++) {
			struct hosts *h = hosts_new(note, NULL);
			struct wire_hosts piece = {.netns = 9,
						   .flags = WIRE_HOSTS_FIRST | WIRE_HOSTS_LAST,
						   .text_len = (__u32)len};
			uint8_t *cut = exactly(v.bytes, len);

			told[0] = '\0';
			names = 0;
			hosts_piece(h, &piece, (const char *)cut);
			assert_in_range(names, most ? most - 1 : 0, most + 1);
			most = names > most ? names : most;
			free(cut);
			hosts_free(h);
		}
		assert_true(most > 0 || i == 1); /* what is blocked is nobody's address */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_name_of_an_address_counts),
		cmocka_unit_test(only_changes_are_said),
		cmocka_unit_test(long_files_and_lines_are_bounded),
		cmocka_unit_test(cut_files_tell_what_they_have),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
