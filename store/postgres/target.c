// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * target.c - see target.h. Of a parameter that is there twice libpq takes the last: our defaults come first,
 * what the user said behind them, what must be so at the end.
 */
#include "store/postgres/target.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "store/password.h"

static int add(struct target *t, const char *keyword, const char *value)
{
	if (t->n == TARGET_PARAMETERS) {
		snprintf(t->why, sizeof(t->why), "more than %d parameters", TARGET_PARAMETERS);
		return -EINVAL;
	}
	t->keywords[t->n] = strdup(keyword);
	t->values[t->n] = strdup(value);
	if (!t->keywords[t->n] || !t->values[t->n]) {
		free(t->keywords[t->n]);
		free(t->values[t->n]);
		t->keywords[t->n] = t->values[t->n] = NULL;
		return -ENOMEM;
	}
	t->n++;
	return 0;
}

void target_free(struct target *t)
{
	size_t i;

	for (i = 0; i < t->n; i++) {
		explicit_bzero(t->values[i], strlen(t->values[i]));
		free(t->keywords[i]);
		free(t->values[i]);
	}
	memset(t, 0, sizeof(*t));
}

bool target_set_table(struct target *t, const char *name)
{
	const char *dot = strchr(name, '.'), *last = dot ? dot + 1 : name;
	size_t schema = dot ? (size_t)(dot - name) : 0;

	/* room for _partitions */
	if (*last == '\0' || strlen(last) + 12 > TARGET_TABLE_SIZE || schema >= TARGET_TABLE_SIZE ||
	    strchr(last, '.') || (dot && schema == 0) || strpbrk(name, "'\"\\\n"))
		return false;
	snprintf(t->schema, sizeof(t->schema), "%.*s", (int)schema, name);
	snprintf(t->table, sizeof(t->table), "%s", last);
	return true;
}

static int defaults(struct target *t)
{
	static const char *const values[][2] = {
		{"fallback_application_name", "femtosnitch"},
		{"connect_timeout", "10"},
		{"keepalives_idle", "30"},
		{"keepalives_interval", "10"},
		{"keepalives_count", "3"},
		{"tcp_user_timeout", "30000"},
		{"gssencmode", "disable"},
		{"options", "-c statement_timeout=60s -c synchronous_commit=on"},
	};
	size_t i;
	int rc = 0;

	memset(t, 0, sizeof(*t));
	snprintf(t->table, sizeof(t->table), TARGET_TABLE);
	for (i = 0; i < sizeof(values) / sizeof(values[0]) && rc == 0; i++)
		rc = add(t, values[i][0], values[i][1]);
	return rc;
}

static bool is_near(const char *host)
{
	return host[0] == '/' || host[0] == '@' || strcmp(host, "localhost") == 0 ||
	       strcmp(host, "::1") == 0 || strncmp(host, "127.", 4) == 0;
}

/* Every host of a list like "a,b". */
static bool all_near(const char *hosts)
{
	char one[256];
	size_t len;

	for (;; hosts += len + 1) {
		len = strcspn(hosts, ",");
		snprintf(one, sizeof(one), "%.*s", (int)len, hosts);
		if (!is_near(one))
			return false;
		if (hosts[len] == '\0')
			return true;
	}
}

/* A certificate whose name is the host's, unless the connection stays on this machine. sslmode as the user
 * said it, NULL if not. An address that is given beside a name is where it really goes. */
static int demand_tls(struct target *t, const char *host, const char *hostaddr, const char *service,
		      const char *sslmode, const char *sslrootcert)
{
	static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
					      "/etc/pki/tls/certs/ca-bundle.crt"};
	const char *where = hostaddr && *hostaddr ? hostaddr : host && *host ? host : NULL;
	size_t i;
	int rc = 0;

	if (where ? all_near(where) : !service)
		return 0;
	if (sslmode && strcmp(sslmode, "verify-full") != 0)
		snprintf(t->why, sizeof(t->why),
			 "sslmode=%.20s: who answers there is not verified, verify-full would do that",
			 sslmode);
	if (!sslmode)
		rc = add(t, "sslmode", "verify-full");
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]) && !sslrootcert && rc == 0; i++)
		if (access(bundles[i], R_OK) == 0)
			return add(t, "sslrootcert", bundles[i]);
	return rc;
}

static const char *value_of(const PQconninfoOption *options, const char *keyword)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	return NULL;
}

int target_conninfo(struct target *t, const char *conninfo)
{
	PQconninfoOption *options;
	char *error = NULL;
	int rc = defaults(t);

	if (rc != 0)
		return rc;
	options = PQconninfoParse(conninfo, &error);
	if (!options) {
		/* libpq quotes the text, which may have a password in it */
		snprintf(t->why, sizeof(t->why), "not a conninfo string, URI or service as libpq knows them");
		PQfreemem(error);
		return -EINVAL;
	}
	rc = demand_tls(t, value_of(options, "host"), value_of(options, "hostaddr"),
			value_of(options, "service"), value_of(options, "sslmode"),
			value_of(options, "sslrootcert"));
	PQconninfoFree(options);
	if (rc == 0)
		rc = add(t, "dbname", conninfo);
	return rc != 0 ? rc : add(t, "client_encoding", "UTF8");
}

/* ---- the object */

static int take_client(struct target *t, const char *client)
{
	static const char *const ours[] = {"psycopg", "psycopg2", "postgresql", "postgres", "libpq", ""};
	size_t i;

	for (i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strcasecmp(client, ours[i]) == 0)
			return 0;
	t->other = true;
	snprintf(t->why, sizeof(t->why), "client %.40s is not in this build, which has PostgreSQL: psycopg",
		 client);
	return -EINVAL;
}

static int take_password(struct target *t, const char *path)
{
	char text[PASSWORD_SIZE];
	int rc = password_read(path, text, t->why, sizeof(t->why));

	if (rc == 0) {
		rc = add(t, "password", text);
		explicit_bzero(text, sizeof(text));
	}
	return rc;
}

static int take_member(struct target *t, const cJSON *m)
{
	char number[32];
	const char *value = number;

	if (cJSON_IsString(m)) {
		value = m->valuestring;
	} else if (cJSON_IsNumber(m)) {
		snprintf(number, sizeof(number), "%.0f", m->valuedouble);
	} else {
		snprintf(t->why, sizeof(t->why), "\"%.60s\": found neither a string nor a number", m->string);
		return -EINVAL;
	}
	if (strcmp(m->string, "client") == 0)
		return take_client(t, value);
	if (strcmp(m->string, "table_name") == 0) {
		if (target_set_table(t, value))
			return 0;
		snprintf(t->why, sizeof(t->why), "\"table_name\": not a name, or longer than %d",
			 TARGET_TABLE_SIZE - 13);
		return -EINVAL;
	}
	if (strcmp(m->string, "password_file") == 0)
		return take_password(t, value);
	return add(t, strcmp(m->string, "database") == 0 ? "dbname" : m->string, value);
}

static const char *member(const cJSON *object, const char *name)
{
	return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static int take_object(struct target *t, const cJSON *object)
{
	const cJSON *m;
	int rc = defaults(t);

	if (rc == 0)
		rc = demand_tls(t, member(object, "host"), member(object, "hostaddr"),
				member(object, "service"), member(object, "sslmode"),
				member(object, "sslrootcert"));
	cJSON_ArrayForEach(m, object)
	{
		if (rc == 0)
			rc = take_member(t, m);
	}
	return rc != 0 ? rc : add(t, "client_encoding", "UTF8");
}

int target_parse(struct target *t, const char *json)
{
	cJSON *parsed = cJSON_Parse(json);
	int rc = -EINVAL;

	memset(t, 0, sizeof(*t));
	if (cJSON_IsString(parsed))
		rc = target_conninfo(t, parsed->valuestring);
	else if (cJSON_IsObject(parsed))
		rc = take_object(t, parsed);
	else
		snprintf(t->why, sizeof(t->why), "neither an object nor a string");
	cJSON_Delete(parsed);
	return rc;
}
