/* SPDX-License-Identifier: MIT */
/* `mlx5emu run [options] [--] program [arguments]`; devices are in devices.c. */
#include "launcher/options.h"

#include "fault/plan.h"
#include "launcher/devices.h"
#include "launcher/program.h"

#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MLX5EMU_VERSION
#define MLX5EMU_VERSION "unversioned"
#endif

enum {
	OPT_PORT_STATE = 256,
	OPT_MTU,
	OPT_GUID,
	OPT_ADDRESS,
	OPT_DEVICE,
	OPT_MANUAL,
	OPT_LOG_LEVEL,
	OPT_LOG_FILE,
	OPT_FAULT,
	OPT_STRICT,
	OPT_TRACE,
	OPT_PCAP,
	OPT_COMMANDS,
	OPT_HIDE_REAL,
	OPT_HOST,
};

static const struct argp_option options[] = {
	{ "devices", 'n', "N", 0, "Number of devices, mlx5_0 and up (1..16, default 1)", 0 },
	{ "port-state", OPT_PORT_STATE, "LIST", 0,
	  "State of each device's port: active (default) or down", 0 },
	{ "mtu", OPT_MTU, "LIST", 0,
	  "Active MTU of each device's port: 256, 512, 1024, 2048 or 4096 (default) bytes", 0 },
	{ "guid", OPT_GUID, "GUID", 0,
	  "Node GUID of mlx5_0, 16 hexadecimal digits, colons allowed; the next devices count up "
	  "(default 0242:4d03:004c:5800)",
	  0 },
	{ "address", OPT_ADDRESS, "IPv4", 0,
	  "Address in mlx5_0's IPv4 GIDs; the next devices count up (default 10.77.0.1)", 0 },
	{ "device", OPT_DEVICE, "SETTINGS", 0,
	  "One device, the next at each time, where it differs: name=, model=, link=, mtu=, gids=, "
	  "guid=, lid=, pkeys=, address=, state=, uar=, cqe=, separated by commas",
	  0 },
	{ "hide-real", OPT_HIDE_REAL, NULL, 0,
	  "Hide the RDMA devices that this host really has, which programs see otherwise", 0 },
	{ "host", OPT_HOST, "DIR", 0, "Look for those below DIR, not / (to try how that is)", 0 },
	{ "manual", OPT_MANUAL, NULL, 0,
	  "No device thread: the program calls mlx5emu_step() for each piece of work", 0 },
	{ "commands", OPT_COMMANDS, "WAY", 0,
	  "How programs reach the kernel: ioctl (default), or write as before Linux 4.20", 0 },
	{ "strict", OPT_STRICT, "LEVEL", 0,
	  "What breaks the rules of the device interface is an error (default), an error also where "
	  "widespread libraries break them (pedantic), reported and carried out (warn), or not looked "
	  "for (off)",
	  0 },
	{ "log-level", OPT_LOG_LEVEL, "LEVEL", 0,
	  "none, error, warn (default), info, debug or trace", 0 },
	{ "log-file", OPT_LOG_FILE, "FILE", 0, "Append the log to FILE, not to standard error", 0 },
	{ "fault", OPT_FAULT, "PLAN", 0,
	  "What goes wrong, such as 'lose rate=1%'; @FILE reads it from FILE. Several add up; the "
	  "manual page has the grammar",
	  0 },
	{ "trace", OPT_TRACE, "FILE", OPTION_ARG_OPTIONAL,
	  "Write each command, doorbell, WQE, packet and CQE to FILE or standard error; a FILE "
	  "that ends in .pcap or .pcapng is as --pcap",
	  0 },
	{ "pcap", OPT_PCAP, "FILE", 0, "Write each packet as a frame that Wireshark reads", 0 },
	{ 0 }
};

#define HIDE_REAL_ENV "MLX5EMU_HIDE_REAL" /* as --hide-real, for scripts of many runs */

struct parsed {
	struct emu_run *run;
	struct device_options devices;
	struct host *host;
	const char *host_root; /* NULL = / */
	bool hide_real;
	char **program;
};

static void parse_log_level(struct argp_state *state, const char *arg, struct emu_run *run)
{
	static const char *const names[] = { "none", "error", "warn", "info", "debug", "trace" };

	for (int i = 0; i < 6; i++) {
		if (strcmp(arg, names[i]) == 0) {
			run->log_level = i;
			return;
		}
	}
	argp_error(state, "--log-level=%s: use none, error, warn, info, debug or trace", arg);
}

static void parse_commands(struct argp_state *state, const char *arg, struct emu_run *run)
{
	run->write_commands = strcmp(arg, "write") == 0;
	if (!run->write_commands && strcmp(arg, "ioctl") != 0)
		argp_error(state, "--commands=%s: use ioctl or write", arg);
}

static void parse_strict(struct argp_state *state, const char *arg, struct emu_run *run)
{
	if (emu_run_strict_parse(arg, &run->strict) < 0)
		argp_error(state, "--strict=%s: use error, pedantic, warn or off", arg);
}

/* The program may change its working directory before it opens a device: @out is a full path. */
static void parse_path(struct argp_state *state, const char *option, const char *arg,
		       char out[PATH_MAX])
{
	char cwd[PATH_MAX] = "";
	int n;

	if (strchr(arg, '\n') || *arg == '\0')
		argp_error(state, "--%s: the name is empty or has a line break", option);
	if (arg[0] != '/' && !getcwd(cwd, sizeof(cwd) - 1))
		argp_error(state, "--%s=%s: current directory not known; give a full path", option,
			   arg);
	n = snprintf(out, PATH_MAX, "%s%s%s", cwd, *cwd ? "/" : "", arg);
	if (n >= PATH_MAX)
		argp_error(state, "--%s=%s: too long", option, arg);
}

static bool ends_in(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);

	return n > m && strcmp(text + n - m, end) == 0;
}

static void parse_trace(struct argp_state *state, const char *arg, struct emu_run *run)
{
	if (!arg || strcmp(arg, "-") == 0)
		strcpy(run->trace_file, "-");
	else if (ends_in(arg, ".pcap") || ends_in(arg, ".pcapng"))
		parse_path(state, "trace", arg, run->pcap_file);
	else
		parse_path(state, "trace", arg, run->trace_file);
}

static void parse_log_file(struct argp_state *state, const char *arg, struct emu_run *run)
{
	int fd;

	parse_path(state, "log-file", arg, run->log_file);
	/* tried now, because a process that cannot log does not open its device */
	fd = open(run->log_file, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0)
		argp_error(state, "--log-file=%s: %s", arg, strerror(errno));
	close(fd);
}

/* One plan of several: rules count on over all of them, places in messages do not. */
static void parse_fault(struct argp_state *state, const char *arg, struct emu_run *run)
{
	const size_t used = strlen(run->faults), room = sizeof(run->faults) - used;
	char *const text = run->faults + used;
	struct emu_fault_plan plan;
	struct emu_fault_error error;
	char message[EMU_FAULT_ERROR_TEXT + 40];
	size_t size = strlen(arg);
	FILE *in = arg[0] == '@' ? fopen(arg + 1, "re") : NULL;

	if (arg[0] == '@' && !in)
		argp_error(state, "--fault=%s: %s", arg, strerror(errno));
	if (in) {
		size = fread(text, 1, room, in);
		if (ferror(in))
			argp_error(state, "--fault=%s: %s", arg, strerror(errno));
		fclose(in);
	} else if (size < room) {
		memcpy(text, arg, size);
	}
	if (size + 2 > room)
		argp_error(state, "--fault=%s: more than %d bytes of plans", arg,
			   EMU_RUN_FAULTS_SIZE - 2);
	if (emu_fault_parse(text, size, &plan, &error) < 0) {
		emu_fault_error_print(&error, message, sizeof(message));
		argp_error(state, "--fault=%s: %s", arg, message);
	}
	memcpy(text + size, "\n", 2);
	if (emu_fault_parse(run->faults, used + size, &plan, &error) < 0)
		argp_error(state, "--fault=%s: %s", arg, error.text);
}

static void parse_devices(struct argp_state *state, const char *arg, unsigned *ndev)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*arg < '0' || *arg > '9' || *end != '\0' || n < 1 || n > EMU_RUN_MAX_DEVICES)
		argp_error(state, "--devices=%s: a number from 1 to %d is needed", arg,
			   EMU_RUN_MAX_DEVICES);
	*ndev = (unsigned)n;
}

static void parse_device(struct argp_state *state, const char *arg, struct device_options *o)
{
	if (o->ndescribed == EMU_RUN_MAX_DEVICES)
		argp_error(state, "--device: at most %d devices", EMU_RUN_MAX_DEVICES);
	o->described[o->ndescribed++] = arg;
}

static error_t parse_device_option(int key, const char *arg, struct argp_state *state,
				   struct device_options *o)
{
	switch (key) {
	case 'n':
		parse_devices(state, arg, &o->n);
		return 0;
	case OPT_PORT_STATE:
		o->port_state = arg;
		return 0;
	case OPT_MTU:
		o->mtu = arg;
		return 0;
	case OPT_GUID:
		o->guid = devices_guid(state, "--guid", arg);
		return 0;
	case OPT_ADDRESS:
		o->ipv4 = devices_ipv4(state, "--address", arg);
		return 0;
	case OPT_DEVICE:
		parse_device(state, arg, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_run(int key, char *arg, struct argp_state *state)
{
	struct parsed *p = state->input;

	switch (key) {
	case OPT_MANUAL:
		p->run->manual = true;
		return 0;
	case OPT_COMMANDS:
		parse_commands(state, arg, p->run);
		return 0;
	case OPT_LOG_LEVEL:
		parse_log_level(state, arg, p->run);
		return 0;
	case OPT_LOG_FILE:
		parse_log_file(state, arg, p->run);
		return 0;
	case OPT_STRICT:
		parse_strict(state, arg, p->run);
		return 0;
	case OPT_FAULT:
		parse_fault(state, arg, p->run);
		return 0;
	case OPT_TRACE:
		parse_trace(state, arg, p->run);
		return 0;
	case OPT_PCAP:
		parse_path(state, "pcap", arg, p->run->pcap_file);
		return 0;
	case ARGP_KEY_ARG: /* the program: what follows is its own */
		p->program = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "no program given");
		return EINVAL;
	case OPT_HIDE_REAL:
		p->hide_real = true;
		return 0;
	case OPT_HOST:
		p->host_root = arg;
		return 0;
	case ARGP_KEY_SUCCESS:
		if (!p->hide_real && !getenv(HIDE_REAL_ENV))
			host_read(p->host_root, p->host);
		devices_make(state, &p->devices, p->host, p->run);
		return 0;
	default:
		return parse_device_option(key, arg, state, &p->devices);
	}
}

static error_t parse_command(int key, char *arg, struct argp_state *state)
{
	char ***rest = state->input;

	if (key == ARGP_KEY_ARG) {
		if (strcmp(arg, "run") != 0)
			argp_error(state, "unknown command '%s'; the commands are: run, stat", arg);
		*rest = state->argv + state->next - 1;
		state->next = state->argc;
		return 0;
	}
	if (key == ARGP_KEY_NO_ARGS)
		argp_error(state, "no command given; try: mlx5emu run -- ibv_devinfo");
	return ARGP_ERR_UNKNOWN;
}

char **options_parse(int argc, char **argv, struct emu_run *run, struct host *host)
{
	static const struct argp command = {
		.parser = parse_command,
		.args_doc = "run [OPTION...] [--] PROGRAM [ARGUMENT...]\nstat [OPTION...]",
		.doc = "Runs a program with mlx5 RDMA devices in software, below the real libibverbs "
		       "and libmlx5.\v`mlx5emu run --help` and `mlx5emu stat --help` list the options.",
	};
	static const struct argp run_command = {
		.options = options,
		.parser = parse_run,
		.args_doc = "[--] PROGRAM [ARGUMENT...]",
		.doc = "Runs PROGRAM, and what it starts, on emulated mlx5 devices. All processes of "
		       "one run see the same devices and are wired together.\vExit status: that of "
		       "PROGRAM, 128 + signal if one ended it, 123 if that would be 0 but "
		       "something was reported (--strict), 125 if mlx5emu failed, 126 if PROGRAM "
		       "cannot be executed, 127 if it was not found.",
	};
	struct parsed p = {
		.run = run,
		.host = host,
		.devices = { .port_state = "active",
			     .mtu = "4096",
			     .guid = 0x02424d03004c5800,
			     .ipv4 = 0x0a4d0001 },
	};
	static char name[] = "mlx5emu run";
	char **rest = NULL;

	argp_program_version = "mlx5emu " MLX5EMU_VERSION;
	argp_err_exit_status = EXIT_LAUNCHER;
	argp_parse(&command, argc, argv, ARGP_IN_ORDER, NULL, &rest);
	rest[0] = name; /* argp names itself by it in messages */
	run->log_level = EMU_RUN_LOG_WARN;
	argp_parse(&run_command, argc - (int)(rest - argv), rest, ARGP_IN_ORDER, NULL, &p);
	return p.program;
}
