// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * target.c - see target.h.
 */
#include "store/mariadb/target.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/password.h"

#define AT(member) offsetof(struct target, member)

/* Parameters that are texts. */
static const struct parameter {
	const char *name;
	size_t at;
} parameters[] = {
	{"host", AT(host)},	    {"user", AT(user)},
	{"password", AT(password)}, {"passwd", AT(password)},
	{"database", AT(database)}, {"db", AT(database)},
	{"dbname", AT(database)},   {"unix_socket", AT(unix_socket)},
	{"ssl_ca", AT(ssl_ca)},	    {"ssl_cert", AT(ssl_cert)},
	{"ssl_key", AT(ssl_key)},
};

static char **text_at(struct target *t, const struct parameter *p)
{
	return (char **)((char *)t + p->at);
}

void target_free(struct target *t)
{
	size_t i;

	if (t->password)
		explicit_bzero(t->password, strlen(t->password));
	for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++) {
		free(*text_at(t, &parameters[i]));
		*text_at(t, &parameters[i]) = NULL;
	}
	memset(t, 0, sizeof(*t));
}

bool target_set_table(struct target *t, const char *name)
{
	if (*name == '\0' || strlen(name) >= sizeof(t->table) || strpbrk(name, "`'\"\\./\n"))
		return false;
	strcpy(t->table, name);
	return true;
}

static int set_text(struct target *t, const struct parameter *p, const char *value)
{
	char **at = text_at(t, p);

	if (*at) {
		snprintf(t->why, sizeof(t->why), "\"%s\" is said twice", p->name);
		return -EINVAL;
	}
	*at = strdup(value);
	return *at ? 0 : -ENOMEM;
}

static int take_password(struct target *t, const char *path)
{
	static const struct parameter password = {"password", AT(password)};
	char text[PASSWORD_SIZE];
	int rc = password_read(path, text, t->why, sizeof(t->why));

	if (rc == 0) {
		rc = set_text(t, &password, text);
		explicit_bzero(text, sizeof(text));
	}
	return rc;
}

static int take_text(struct target *t, const char *name, const char *value)
{
	size_t i;

	if (strcmp(name, "client") == 0)
		return 0;
	if (strcmp(name, "password_file") == 0)
		return take_password(t, value);
	if (strcmp(name, "table_name") == 0) {
		if (target_set_table(t, value))
			return 0;
		snprintf(t->why, sizeof(t->why), "\"table_name\": not a name, or longer than %d",
			 TARGET_TABLE_SIZE - 1);
		return -EINVAL;
	}
	for (i = 0; i < sizeof(parameters) / sizeof(parameters[0]); i++)
		if (strcmp(name, parameters[i].name) == 0)
			return set_text(t, &parameters[i], value);
	snprintf(t->why, sizeof(t->why), "\"%.60s\": not a parameter of this client, or not a text", name);
	return -EINVAL;
}

static int take_member(struct target *t, const cJSON *m)
{
	bool verify =
		strcmp(m->string, "ssl_verify_cert") == 0 || strcmp(m->string, "ssl_verify_identity") == 0;

	if (cJSON_IsString(m))
		return take_text(t, m->string, m->valuestring);
	if (cJSON_IsNumber(m) && strcmp(m->string, "port") == 0 && m->valuedouble >= 1 &&
	    m->valuedouble <= 65535) {
		t->port = (unsigned)m->valuedouble;
		return 0;
	}
	if (cJSON_IsBool(m) && verify) {
		t->verify &= cJSON_IsTrue(m);
		return 0;
	}
	snprintf(t->why, sizeof(t->why), "\"%.60s\": not a parameter of this client, or not of that type",
		 m->string);
	return -EINVAL;
}

static bool is_near(const struct target *t)
{
	return t->unix_socket || !t->host || strcmp(t->host, "localhost") == 0 ||
	       strcmp(t->host, "::1") == 0 || strncmp(t->host, "127.", 4) == 0;
}

/* What is there beside the parameters themselves. */
static int complete(struct target *t)
{
	static const char *const bundles[] = {"/etc/ssl/certs/ca-certificates.crt",
					      "/etc/pki/tls/certs/ca-bundle.crt"};
	size_t i;

	if (!t->database) {
		snprintf(t->why, sizeof(t->why), "\"database\" is missing");
		return -EINVAL;
	}
	t->near = is_near(t);
	if (!t->near && !t->verify)
		snprintf(t->why, sizeof(t->why),
			 "ssl_verify_cert: false: who answers there is not verified, leaving it out would do "
			 "that");
	for (i = 0; i < sizeof(bundles) / sizeof(bundles[0]) && !t->ssl_ca; i++)
		if (access(bundles[i], R_OK) == 0 && !(t->ssl_ca = strdup(bundles[i])))
			return -ENOMEM;
	return 0;
}

int target_parse(struct target *t, const char *json)
{
	cJSON *parsed = cJSON_Parse(json), *m;
	int rc = 0;

	memset(t, 0, sizeof(*t));
	strcpy(t->table, TARGET_TABLE);
	t->verify = true;
	if (!cJSON_IsObject(parsed)) {
		snprintf(t->why, sizeof(t->why), "not an object");
		rc = -EINVAL;
	} else {
		cJSON_ArrayForEach(m, parsed) if (rc == 0) rc = take_member(t, m);
	}
	if (rc == 0)
		rc = complete(t);
	cJSON_Delete(parsed);
	return rc;
}
