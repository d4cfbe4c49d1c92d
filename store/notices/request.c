// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * request.c - see request.h.
 */
#include "store/notices/request.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "bpf/wire.h"
#include "config/utf8.h"

#define ID_MAX 1e15   /* exact in a double */
#define TIME_MAX 1e12 /* unix seconds: some thousand years */

static bool take_number(const cJSON *value, double most, int64_t *to)
{
	if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 && value->valuedouble < most))
		return false;
	*to = (int64_t)value->valuedouble;
	return true;
}

static bool take_program(const cJSON *value, struct request *r, enum request_kind kind)
{
	size_t len = cJSON_IsString(value) ? strlen(value->valuestring) : 0;

	if (len == 0 || len > WIRE_PATH_MAX || utf8_valid_until(value->valuestring, len) != len)
		return false;
	r->kind = kind;
	r->program = strdup(value->valuestring);
	return r->program != NULL;
}

static bool take(const cJSON *json, struct request *r)
{
	const cJSON *since = cJSON_GetObjectItemCaseSensitive(json, "since");
	const cJSON *ack = cJSON_GetObjectItemCaseSensitive(json, "ack");
	const cJSON *mute = cJSON_GetObjectItemCaseSensitive(json, "mute");
	const cJSON *until = cJSON_GetObjectItemCaseSensitive(json, "until");

	if (since) {
		r->kind = REQUEST_SINCE;
		return take_number(since, ID_MAX, &r->since);
	}
	if (ack)
		return take_program(ack, r, REQUEST_ACK);
	if (until && !take_number(until, TIME_MAX, &r->until_s))
		return false;
	return take_program(mute, r, REQUEST_MUTE);
}

bool request_parse(struct request *r, const char *line, size_t len)
{
	cJSON *json = cJSON_ParseWithLength(line, len);
	bool good;

	*r = (struct request){0};
	good = cJSON_IsObject(json) && take(json, r);
	cJSON_Delete(json);
	return good;
}
