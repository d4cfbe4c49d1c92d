// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * notice.c - see notice.h.
 */
#include "store/notify/notice.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

#define NUMBER_MAX 1e15 /* exact in a double */

static const char *string(const cJSON *json, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, key);

	return cJSON_IsString(value) ? value->valuestring : NULL;
}

static int64_t number(const cJSON *json, const char *key)
{
	const cJSON *value = cJSON_GetObjectItemCaseSensitive(json, key);

	return cJSON_IsNumber(value) && value->valuedouble >= 0 && value->valuedouble < NUMBER_MAX
		       ? (int64_t)value->valuedouble
		       : 0;
}

/* "curl, wget, nc" of a summary; free(). */
static char *names(const cJSON *json)
{
	const cJSON *list = cJSON_GetObjectItemCaseSensitive(json, "names"), *one;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	cJSON_ArrayForEach(one, list)
	{
		if (cJSON_IsString(one))
			fprintf(f, "%s%s", ftell(f) > 0 ? ", " : "", one->valuestring);
	}
	fclose(f);
	return text;
}

bool notice_parse(struct notice *n, const char *line, size_t len)
{
	cJSON *json = cJSON_ParseWithLength(line, len);

	*n = (struct notice){.json = json};
	if (!cJSON_IsObject(json)) {
		cJSON_Delete(json);
		return false;
	}
	n->id = number(json, "id");
	n->kind = string(json, "kind") ?: "new";
	n->exe = string(json, "exe");
	n->name = string(json, "name");
	n->user = string(json, "user");
	n->text = string(json, "text");
	n->seen = number(json, "seen");
	n->package = string(json, "package");
	n->version = string(json, "version");
	n->manager = string(json, "manager");
	n->explained = string(json, "explained");
	n->run = number(json, "run");
	n->members = number(json, "members");
	n->packages = number(json, "packages");
	n->summary = number(json, "summary");
	if (n->summary)
		n->text = n->names = names(json);
	return true;
}

void notice_free(struct notice *n)
{
	cJSON_Delete(n->json);
	free(n->names);
	*n = (struct notice){0};
}
