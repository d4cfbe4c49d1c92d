// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/tls.h"

#include <string.h>

#include "collector/names/bytes.h"

#define RECORD_HANDSHAKE 22
#define RECORD_HEAD 5
#define RECORD_MAX 16384
#define CLIENT_HELLO 1
#define HELLO_HEAD 4
#define EXT_SERVER_NAME 0
#define EXT_ENCRYPTED_HELLO 0xfe0d
#define NAME_HOST 0

/* RFC 6066, 3: a list, with at most one name of each type. */
static void read_server_name(struct bytes ext, struct claim *claim)
{
	struct bytes list = bytes_vector(&ext, 2);

	while (list.left > 0) {
		uint64_t type = bytes_number(&list, 1);
		struct bytes name = bytes_vector(&list, 2);

		if (list.short_of)
			return;
		if (type == NAME_HOST && !claim->host) {
			claim->host = name.at;
			claim->len = name.left;
		}
	}
}

/* False: that is no ClientHello. */
static bool read_hello(struct bytes hello, struct claim *claim)
{
	struct bytes extensions;

	bytes_number(&hello, 2); /* legacy_version */
	bytes_take(&hello, 32);	 /* random */
	bytes_vector(&hello, 1); /* legacy_session_id */
	bytes_vector(&hello, 2); /* cipher_suites */
	bytes_vector(&hello, 1); /* legacy_compression_methods */
	if (hello.short_of)
		return false;
	extensions = bytes_vector(&hello, 2); /* before TLS 1.2 there may be none at all */
	while (extensions.left > 0) {
		uint64_t type = bytes_number(&extensions, 2);
		struct bytes ext = bytes_vector(&extensions, 2);

		if (extensions.short_of)
			return false;
		if (type == EXT_SERVER_NAME)
			read_server_name(ext, claim);
		else if (type == EXT_ENCRYPTED_HELLO)
			claim->encrypted = true;
	}
	return true;
}

enum claim_found tls_hello(const uint8_t *data, size_t len, struct claim *claim)
{
	struct bytes b = {.at = data, .left = len};
	uint64_t type = bytes_number(&b, 1), hello_len = bytes_number(&b, HELLO_HEAD - 1);

	*claim = (struct claim){0};
	if (len > 0 && type != CLIENT_HELLO)
		return CLAIM_NONE;
	if (!b.short_of && hello_len > TLS_HELLO_MAX - HELLO_HEAD)
		return CLAIM_NONE;
	if (b.short_of || b.left < hello_len)
		return CLAIM_MORE;
	if (!read_hello(bytes_take(&b, hello_len), claim) || !claim->host)
		return CLAIM_NONE;
	return CLAIM_NAME;
}

/* Is this the head of a record with a handshake in it, as far as it is there? Version 3.0 to 3.4. */
static bool is_handshake(const uint8_t *data, size_t len)
{
	return (len < 1 || data[0] == RECORD_HANDSHAKE) && (len < 2 || data[1] == 3) &&
	       (len < 3 || data[2] <= 4);
}

enum claim_found tls_records(const uint8_t *data, size_t len, struct claim *claim)
{
	static uint8_t joined[TLS_HELLO_MAX]; /* of more than one record */
	struct bytes b = {.at = data, .left = len};
	size_t n = 0;

	for (;;) {
		enum claim_found found;
		struct bytes record;
		uint64_t record_len;

		if (!is_handshake(b.at, b.left))
			return CLAIM_NONE;
		bytes_number(&b, 3);
		record_len = bytes_number(&b, 2);
		if (b.short_of)
			return CLAIM_MORE;
		if (record_len == 0 || record_len > RECORD_MAX)
			return CLAIM_NONE;
		record = bytes_take(&b, record_len < b.left ? record_len : b.left);
		if (n == 0 && (found = tls_hello(record.at, record.left, claim)) != CLAIM_MORE)
			return found;
		if (record.left > sizeof(joined) - n)
			return CLAIM_NONE;
		memcpy(joined + n, record.at, record.left);
		n += record.left;
		if ((found = tls_hello(joined, n, claim)) != CLAIM_MORE)
			return found;
		if (record.left < record_len || b.left == 0)
			return CLAIM_MORE;
	}
}
