// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * text.c - see text.h.
 */
#include "store/text.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/utf8.h"

#define ESCAPE_LEN 4  /* \xNN */
#define DEVICE_LEN 15 /* IFNAMSIZ without its NUL */
#define QUOTE_LEN 5   /* a single quote inside single quotes: '"'"' */

static_assert(TEXT_ADDRESS_SIZE > DEVICE_LEN * ESCAPE_LEN, "the name of a device fits");

static char *put_clean(char *out, const char *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	size_t i = 0, n;

	while (i < len) {
		n = bytes[i] == '\0' ? 0 : utf8_length(bytes + i, len - i);
		if (n > 0) {
			memcpy(out, bytes + i, n);
			out += n;
			i += n;
			continue;
		}
		*out++ = '\\';
		*out++ = 'x';
		*out++ = digits[(unsigned char)bytes[i] >> 4];
		*out++ = digits[(unsigned char)bytes[i] & 15];
		i++;
	}
	return out;
}

static char *shrink(char *text, const char *end)
{
	char *smaller = realloc(text, (size_t)(end - text) + 1);

	return smaller ? smaller : text;
}

char *text_clean(const char *bytes, size_t len)
{
	char *text = malloc(len * ESCAPE_LEN + 1), *end;

	if (!text)
		return NULL;
	end = put_clean(text, bytes, len);
	*end = '\0';
	return shrink(text, end);
}

/* The set of Python's shlex, which the users of picosnitch know. */
static bool is_plain(const char *arg, size_t len)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_";
	size_t i;

	for (i = 0; i < len; i++)
		if (arg[i] == '\0' || !strchr(plain, arg[i]))
			return false;
	return len > 0;
}

static char *put_quoted(char *out, const char *arg, size_t len)
{
	const char *end = arg + len, *quote;

	*out++ = '\'';
	while ((quote = memchr(arg, '\'', (size_t)(end - arg)))) {
		out = put_clean(out, arg, (size_t)(quote - arg));
		memcpy(out, "'\"'\"'", QUOTE_LEN);
		out += QUOTE_LEN;
		arg = quote + 1;
	}
	out = put_clean(out, arg, (size_t)(end - arg));
	*out++ = '\'';
	return out;
}

char *text_command(const char *argv, size_t len, int cut)
{
	size_t i, n, args = 1; /* the last may have been cut, with its NUL */
	char *text, *out;

	for (i = 0; i < len; i++)
		args += argv[i] == '\0';
	/* each argument: its bytes, two quotes, one space; then " ..." and the end */
	text = out = malloc(len * QUOTE_LEN + args * 3 + 5);
	if (!text)
		return NULL;
	for (i = 0; i < len; i += n + 1) {
		n = strnlen(argv + i, len - i);
		if (i > 0)
			*out++ = ' ';
		out = is_plain(argv + i, n) ? put_clean(out, argv + i, n) : put_quoted(out, argv + i, n);
	}
	if (cut) {
		memcpy(out, " ...", 4);
		out += 4;
	}
	*out = '\0';
	return shrink(text, out);
}

const char *text_address(char buf[TEXT_ADDRESS_SIZE], int family, const void *addr)
{
	uint32_t cid;

	if (family == AF_VSOCK) {
		memcpy(&cid, addr, sizeof(cid));
		snprintf(buf, TEXT_ADDRESS_SIZE, "%u", cid);
		return buf;
	}
	if (family == AF_PACKET || family == AF_XDP) { /* the name may have any byte but '/' and blanks */
		*put_clean(buf, addr, strnlen(addr, DEVICE_LEN)) = '\0';
		return buf[0] ? buf : NULL;
	}
	if (family != AF_INET && family != AF_INET6)
		return NULL;
	return inet_ntop(family, addr, buf, TEXT_ADDRESS_SIZE);
}
