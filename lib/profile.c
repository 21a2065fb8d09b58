/* profile.c - the profile that a command has by the rules. */
#include "profile.h"

#include <ctype.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "operands.h"

/* env nice env ... : so deep commands are looked into. */
#define MAX_DEPTH 4
#define MAX_PATTERN_BYTES 128
/* A longer one is no subcommand. */
#define MAX_WORD_BYTES 64

/* A piece of a rule's text. */
struct span {
	const char *at;
	size_t size;
};

enum kind { KIND_SCRIPT, KIND_NAME, KIND_WORD, KIND_COMMAND, KIND_NONE, N_KINDS };
static const char *const kind_names[N_KINDS] = { "script", "name", "word", "command", "none" };

enum key {
	KEY_VALUE,
	KEY_PATH,
	KEY_NAME,
	KEY_VALUE2,
	KEY_VALUE3,
	KEY_INLINE,
	KEY_REST,
	KEY_THEN,
	KEY_EXEC,
	KEY_ID,
	KEY_SKIP,
	N_KEYS
};
static const char *const key_names[N_KEYS] = {
	[KEY_VALUE] = "value",   [KEY_PATH] = "path",     [KEY_NAME] = "name", [KEY_VALUE2] = "value2",
	[KEY_VALUE3] = "value3", [KEY_INLINE] = "inline", [KEY_REST] = "rest", [KEY_THEN] = "then",
	[KEY_EXEC] = "exec",     [KEY_ID] = "id",         [KEY_SKIP] = "skip",
};

struct rule {
	enum kind kind;
	struct span words[N_KEYS]; /* separated by commas */
	size_t n_skipped;
	bool joins_letters;
};

static struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static bool is_text(struct span span, const char *text)
{
	return span.size == strlen(text) && memcmp(span.at, text, span.size) == 0;
}

/* Cuts off and returns what stands before the first of separators; leading ones are passed over. */
static struct span cut(struct span *rest, const char *separators)
{
	if (rest->size == 0)
		return *rest;
	while (rest->size > 0 && strchr(separators, *rest->at))
		rest->at++, rest->size--;

	struct span piece = { rest->at, 0 };

	while (piece.size < rest->size && !strchr(separators, piece.at[piece.size]))
		piece.size++;
	rest->at += piece.size;
	rest->size -= piece.size;
	return piece;
}

static bool list_has(struct span list, struct span word)
{
	struct span other;

	while ((other = cut(&list, ",")).size > 0)
		if (other.size == word.size && memcmp(other.at, word.at, word.size) == 0)
			return true;
	return false;
}

/* "inline=-c", "letters" */
static int parse_key(struct span field, struct rule *rule)
{
	if (is_text(field, "letters")) {
		rule->joins_letters = true;
		return 0;
	}
	for (int i = 0; i < N_KEYS; i++) {
		size_t size = strlen(key_names[i]);

		if (field.size <= size + 1 || memcmp(field.at, key_names[i], size) != 0 ||
		    field.at[size] != '=')
			continue;
		rule->words[i] = (struct span){ field.at + size + 1, field.size - size - 1 };
		if (i != KEY_SKIP)
			return 0;
		if (rule->words[i].size != 1 || *rule->words[i].at < '0' || *rule->words[i].at > '9')
			return -EINVAL;
		rule->n_skipped = (size_t)(*rule->words[i].at - '0');
		return 0;
	}
	return -EINVAL;
}

/* 0; 1: the line is empty or a comment; -EINVAL: it is no rule. */
static int parse_rule(struct span line, struct rule *ret_rule)
{
	struct rule rule = { 0 };
	struct span patterns = cut(&line, " \t\r");
	struct span kind = cut(&line, " \t\r");
	struct span field;
	int k = 0;

	if (patterns.size == 0 || *patterns.at == '#')
		return 1;
	while (k < N_KINDS && !is_text(kind, kind_names[k]))
		k++;
	if (k == N_KINDS)
		return -EINVAL;
	rule.kind = (enum kind)k;
	while ((field = cut(&line, " \t\r")).size > 0)
		if (parse_key(field, &rule) < 0)
			return -EINVAL;
	*ret_rule = rule;
	return 0;
}

/* The rules are many, and each start looks at all of them: the first character tells most of them apart. */
static bool patterns_match(struct span patterns, const char *name)
{
	struct span pattern;

	while ((pattern = cut(&patterns, ",")).size > 0) {
		char text[MAX_PATTERN_BYTES];

		if (pattern.size >= sizeof(text) || (*pattern.at != *name && !strchr("*?[\\", *pattern.at)))
			continue;
		memcpy(text, pattern.at, pattern.size);
		text[pattern.size] = '\0';
		if (fnmatch(text, name, 0) == 0)
			return true;
	}
	return false;
}

/* Lines end with "\n"; the last one need not. */
static struct span next_line(const char **text)
{
	struct span line = { *text, strcspn(*text, "\n") };

	*text += line.size + (line.at[line.size] == '\n');
	return line;
}

static bool find_rule(const char *text, const char *name, struct rule *ret_rule)
{
	while (text && *text) {
		struct span line = next_line(&text);
		struct span rest = line;

		if (patterns_match(cut(&rest, " \t\r"), name) && parse_rule(line, ret_rule) == 0)
			return true;
	}
	return false;
}

size_t profile_find_fault(const char *rules)
{
	struct rule rule;

	for (size_t number = 1; *rules; number++)
		if (parse_rule(next_line(&rules), &rule) < 0)
			return number;
	return 0;
}

/* Drive letter or backslash: a path for Wine, which has its own directory. */
static bool is_windows_path(const char *path)
{
	return strchr(path, '\\') || (path[0] && path[1] == ':');
}

/* Makes path absolute and takes out "//", "/./" and "/../", as it is written: no file system is asked. */
static char *join_path(const char *cwd, const char *path)
{
	char *joined = NULL;

	if (is_windows_path(path) || (path[0] != '/' && !cwd))
		return strdup(path);
	if (asprintf(&joined, "%s/%s", path[0] == '/' ? "" : cwd, path) < 0)
		return NULL;
	operands_tidy_path(joined);
	return joined;
}

/* What the options before the first operand say. */
struct finding {
	const char *value;     /* of an option with KEY_PATH or KEY_NAME */
	enum key key;          /* which of both */
	bool is_inline;        /* nothing is to be told apart */
	char *const *operands; /* the first one; else what stands after the last argument */
};

static bool has_option(const struct rule *rule, enum key key, const char *option, size_t size)
{
	return list_has(rule->words[key], (struct span){ option, size });
}

/* As many as wanted, if there are so many arguments. */
static int count_arguments(char *const rest[], int n_wanted)
{
	int n = 0;

	while (n < n_wanted && rest[n])
		n++;
	return n;
}

/*
 * Looks at one option, spelled so, whose value may stand in the same argument (attached, else NULL), or be
 * the next one, the first of rest. Returns the number of further arguments that it takes; -1: the rule does
 * not know the option.
 */
static int take_option(const struct rule *rule, const char *option, size_t size, const char *attached,
		       char *const rest[], struct finding *finding)
{
	if (has_option(rule, KEY_INLINE, option, size)) {
		finding->is_inline = true;
		return 0;
	}
	for (enum key key = KEY_VALUE; key <= KEY_NAME; key++) {
		if (!has_option(rule, key, option, size))
			continue;
		if (key != KEY_VALUE) {
			finding->key = key;
			finding->value = attached ? attached : rest[0];
		}
		return attached ? 0 : count_arguments(rest, 1);
	}
	if (has_option(rule, KEY_VALUE2, option, size))
		return count_arguments(rest, 2);
	if (has_option(rule, KEY_VALUE3, option, size))
		return count_arguments(rest, 3);
	return -1;
}

/* "-Im": letters that are joined. */
static int take_letters(const struct rule *rule, const char *argument, char *const rest[],
			struct finding *finding)
{
	for (const char *letter = argument + 1; *letter; letter++) {
		const char option[] = { argument[0], *letter };
		const char *attached = letter[1] ? letter + 1 : NULL;

		if (has_option(rule, KEY_REST, option, sizeof(option)))
			return 0;
		int n_taken = take_option(rule, option, sizeof(option), attached, rest, finding);

		if (n_taken >= 0)
			return n_taken;
	}
	return 0;
}

static bool is_option(const struct rule *rule, const char *argument)
{
	const struct span values = rule->words[KEY_VALUE];

	return (argument[0] == '-' ||
		(argument[0] == '+' && values.at && memchr(values.at, '+', values.size))) &&
	       argument[1];
}

static void read_options(const struct rule *rule, char *const argv[], struct finding *finding)
{
	char *const *at = argv + 1;

	for (; *at && is_option(rule, *at) && !finding->is_inline && !finding->value; at++) {
		const char *argument = *at;
		size_t size = strcspn(argument, "=");
		int n_taken;

		if (strcmp(argument, "--") == 0) {
			at++;
			break;
		}
		n_taken = take_option(rule, argument, size, argument[size] ? argument + size + 1 : NULL,
				      at + 1, finding);
		if (n_taken < 0)
			n_taken = rule->joins_letters && argument[1] != '-'
					  ? take_letters(rule, argument, at + 1, finding)
					  : 0;
		at += n_taken;
	}
	finding->operands = at;
}

static bool is_word(const char *text)
{
	return *text && strlen(text) <= MAX_WORD_BYTES && text[0] != '-' && !strpbrk(text, "/= \t\n");
}

/* "@scope/name", "npm:chalk", "https://example.org/x.ts": what is fetched by its name, and no path. */
static bool is_package(const char *text)
{
	size_t size = 0;

	while (isalnum((unsigned char)text[size]) || text[size] == '+' || text[size] == '-')
		size++;
	return (text[0] == '@' || (size > 1 && text[size] == ':')) && text[0] != '-' &&
	       !strpbrk(text, " \t\n");
}

static bool is_script_name(const char *text)
{
	static const char suffixes[] = "py,pyw,js,mjs,cjs,jsx,ts,mts,cts,tsx,rb,pl,php,lua,sh,go,jl,R,"
				       "dll,exe,jar,ps1,ipynb";
	const char *dot = strrchr(text, '.');

	return dot && dot > text && !is_package(text) && list_has(span_of(suffixes), span_of(dot + 1));
}

static bool is_spelled_as_file(const char *text)
{
	return is_script_name(text) || strcmp(text, ".") == 0 || strcmp(text, "..") == 0 ||
	       (*text && *text != '-' && strchr(text, '/') && !is_package(text));
}

static int profile_at(char *const argv[], const char *cwd, const char *rules, int depth, char **ret_profile);

/* "python3 /home/me/tool.py" */
static char *profile_of_inner(const struct rule *rule, char *const operands[], const char *cwd,
			      const char *rules, int depth)
{
	cleanup_free char *name = NULL;
	cleanup_free char *inner = NULL;
	char *profile = NULL;
	size_t n_skipped = rule->n_skipped;

	for (; *operands && n_skipped > 0; n_skipped--)
		operands++;
	while (*operands && strchr(*operands, '=') && !is_package(*operands)) /* env NAME=VALUE */
		operands++;
	if (!*operands || **operands == '-' || depth >= MAX_DEPTH)
		return strdup("");
	name = strchr(*operands, '/') && !is_package(*operands) ? join_path(cwd, *operands)
								: strdup(*operands);
	if (!name)
		return NULL;
	int r = profile_at(operands, cwd, rules, depth + 1, &inner);

	if (r < 0 && r != -ENOENT)
		return NULL;
	if (!inner || !*inner)
		return take_pointer(name);
	return asprintf(&profile, "%s %s", name, inner) < 0 ? NULL : profile;
}

/* What the operand behind a subcommand adds to the profile; "": nothing. */
static char *profile_of_second(const struct rule *rule, const char *word, char *const operands[],
			       const char *cwd, const char *rules, int depth)
{
	bool is_exec = list_has(rule->words[KEY_EXEC], span_of(word));
	bool is_id = list_has(rule->words[KEY_ID], span_of(word));

	if (!*operands || (!is_exec && !is_id && !list_has(rule->words[KEY_THEN], span_of(word))))
		return strdup("");
	if (is_id)
		return strdup(*operands);
	if (is_spelled_as_file(*operands))
		return join_path(cwd, *operands);
	if (is_exec)
		return profile_of_inner(rule, operands, cwd, rules, depth);
	return strdup(is_word(*operands) || is_package(*operands) ? *operands : "");
}

static char *profile_of_word(const struct rule *rule, char *const operands[], const char *cwd,
			     const char *rules, int depth)
{
	const char *word = operands[0];
	cleanup_free char *second = NULL;
	char *profile = NULL;
	struct finding finding = { 0 };

	if (is_script_name(word))
		return join_path(cwd, word);
	if (!is_word(word))
		return strdup(is_package(word) ? word : "");
	read_options(rule, operands, &finding);
	second = profile_of_second(rule, word, finding.operands, cwd, rules, depth);
	if (!second)
		return NULL;
	if (!*second)
		return strdup(word);
	return asprintf(&profile, "%s %s", word, second) < 0 ? NULL : profile;
}

static char *profile_by_rule(const struct rule *rule, char *const argv[], const char *cwd, const char *rules,
			     int depth)
{
	struct finding finding = { 0 };
	char *profile = NULL;

	read_options(rule, argv, &finding);
	if (finding.is_inline || rule->kind == KIND_NONE)
		return strdup("");
	if (finding.value && finding.key == KEY_PATH)
		return join_path(cwd, finding.value);
	if (finding.value) {
		struct span names = rule->words[KEY_NAME];
		struct span option = cut(&names, ",");
		int r = asprintf(&profile, "%.*s %s", (int)option.size, option.at, finding.value);

		return r < 0 ? NULL : profile;
	}
	const char *operand = *finding.operands;

	/* A lone "-" is standard input. */
	if (!operand || !*operand || strcmp(operand, "-") == 0)
		return strdup("");
	if (rule->kind == KIND_COMMAND)
		return profile_of_inner(rule, finding.operands, cwd, rules, depth);
	if (rule->kind == KIND_WORD)
		return profile_of_word(rule, finding.operands, cwd, rules, depth);
	return rule->kind == KIND_SCRIPT || strchr(operand, '/') ? join_path(cwd, operand) : strdup(operand);
}

static int profile_at(char *const argv[], const char *cwd, const char *rules, int depth, char **ret_profile)
{
	const char *name = basename(argv[0]);
	struct rule rule;
	char *profile;

	name += *name == '-'; /* a login shell */
	if (!find_rule(rules, name, &rule) && !find_rule(profile_builtin_rules, name, &rule))
		return -ENOENT;
	profile = profile_by_rule(&rule, argv, cwd, rules, depth);
	if (!profile)
		return -ENOMEM;
	/* No shadow takes so long a one. */
	if (strlen(profile) >= PATH_MAX)
		*profile = '\0';
	*ret_profile = profile;
	return 0;
}

int profile_of_command(char *const argv[], const char *cwd, const char *rules, char **ret_profile)
{
	return profile_at(argv, cwd, rules, 0, ret_profile);
}

bool profile_owns(const char *profile, const char *path)
{
	const char *file = strchr(profile, '/');
	const char *slash = file ? strrchr(file, '/') : NULL;

	/* What lies in the root directory owns nothing but itself. */
	if (!slash || (file != profile && file[-1] != ' '))
		return false;
	if (slash == file)
		return strcmp(file, path) == 0;
	return strncmp(file, path, (size_t)(slash - file) + 1) == 0;
}
