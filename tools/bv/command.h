/* SPDX-License-Identifier: MIT */
/* The commands of bv. Each takes the arguments after its name and returns an exit status. */
#ifndef BV_TOOLS_BV_COMMAND_H
#define BV_TOOLS_BV_COMMAND_H

int info_main(int argc, char **argv);
int doctor_main(int argc, char **argv);
int lat_main(int argc, char **argv);
int cost_main(int argc, char **argv);
int selftest_main(int argc, char **argv);

#endif
