// SPDX-License-Identifier: GPL-2.0-or-later
#include "collector/names/http.h"

#include <string.h>
#include <strings.h>

#include "collector/names/bytes.h"

#define METHOD_MAX 20 /* the longest registered one has 17 letters */

/* A line without its end. False: it is not whole yet. */
static bool take_line(struct bytes *b, struct bytes *line)
{
	const uint8_t *end = b->left ? memchr(b->at, '\n', b->left) : NULL;

	if (!end)
		return false;
	*line = bytes_take(b, (size_t)(end - b->at));
	bytes_take(b, 1);
	if (line->left > 0 && line->at[line->left - 1] == '\r')
		line->left--;
	return true;
}

/* The length of the method; 0: it has none. Methods are registered in capital letters (and '-'). */
static size_t method_len(const uint8_t *at, size_t len, bool *whole)
{
	size_t i = 0;

	while (i < len && i < METHOD_MAX && ((at[i] >= 'A' && at[i] <= 'Z') || (i > 0 && at[i] == '-')))
		i++;
	*whole = i < len;
	if (i == METHOD_MAX || (*whole && (i < 3 || at[i] != ' ')))
		return 0;
	return i;
}

/* host[:port] without the port and a person's name before '@'. */
static enum claim_found take_authority(struct bytes text, struct claim *claim)
{
	const uint8_t *at = text.left ? memrchr(text.at, '@', text.left) : NULL, *colon;

	if (at)
		bytes_take(&text, (size_t)(at - text.at) + 1);
	if (text.left == 0 || text.at[0] == '[') /* nothing, or an IPv6 address */
		return CLAIM_NONE;
	colon = memchr(text.at, ':', text.left);
	claim->host = text.at;
	claim->len = colon ? (size_t)(colon - text.at) : text.left;
	return claim->len > 0 ? CLAIM_NAME : CLAIM_NONE;
}

static struct bytes trim(struct bytes text)
{
	while (text.left > 0 && (*text.at == ' ' || *text.at == '\t'))
		bytes_take(&text, 1);
	while (text.left > 0 && (text.at[text.left - 1] == ' ' || text.at[text.left - 1] == '\t'))
		text.left--;
	return text;
}

/* The target of a request line, between its two blanks. False: that is no HTTP/1.x. */
static bool take_target(struct bytes line, size_t method, struct bytes *target)
{
	static const char version[] = " HTTP/1.";
	const size_t version_len = sizeof(version); /* and one digit instead of the NUL */

	bytes_take(&line, method + 1);
	if (line.short_of || line.left <= version_len ||
	    memcmp(line.at + line.left - version_len, version, version_len - 1) != 0)
		return false;
	*target = bytes_take(&line, line.left - version_len);
	return true;
}

/* The authority of a target like http://example.org:8080/x?y. False: it has no scheme. */
static bool take_absolute(struct bytes target, struct bytes *authority)
{
	const uint8_t *colon = memmem(target.at, target.left, "://", 3);
	size_t i;

	if (!colon || memchr(target.at, '/', target.left) < (const void *)colon)
		return false;
	bytes_take(&target, (size_t)(colon - target.at) + 3);
	for (i = 0; i < target.left && !strchr("/?#", target.at[i]); i++)
		;
	*authority = bytes_take(&target, i);
	return true;
}

static enum claim_found read_fields(struct bytes b, struct claim *claim)
{
	static const char host[] = "Host:";
	struct bytes line;

	while (take_line(&b, &line)) {
		if (line.left == 0)
			return CLAIM_NONE;
		if (line.left >= sizeof(host) - 1 &&
		    strncasecmp((const char *)line.at, host, sizeof(host) - 1) == 0) {
			bytes_take(&line, sizeof(host) - 1);
			return take_authority(trim(line), claim);
		}
	}
	return CLAIM_MORE;
}

enum claim_found http_request(const uint8_t *data, size_t len, struct claim *claim)
{
	struct bytes b = {.at = data, .left = len}, line, target, authority;
	bool whole;
	size_t method = method_len(data, len, &whole);

	*claim = (struct claim){0};
	if (!whole && method == len)
		return CLAIM_MORE;
	if (method == 0)
		return CLAIM_NONE;
	if (!take_line(&b, &line))
		return CLAIM_MORE;
	if (!take_target(line, method, &target))
		return CLAIM_NONE;
	if (method == 7 && memcmp(data, "CONNECT", 7) == 0)
		return take_authority(target, claim);
	if (take_absolute(target, &authority))
		return take_authority(authority, claim);
	return read_fields(b, claim);
}
