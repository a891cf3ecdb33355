/* SPDX-License-Identifier: MIT */
/*
 * bareverbs: one RDMA channel API, two data paths. Include this one header.
 */
#ifndef BV_BAREVERBS_BAREVERBS_H
#define BV_BAREVERBS_BAREVERBS_H

#include <bareverbs/common.h>
#include <bareverbs/version.h>
#include <bareverbs/error.h>
#include <bareverbs/device.h>
#include <bareverbs/memory.h>
#include <bareverbs/buffer.h>
#include <bareverbs/mr_cache.h>
#include <bareverbs/endpoint.h>
#include <bareverbs/channel.h>
#include <bareverbs/exchange.h>
#include <bareverbs/work.h>
#include <bareverbs/batch.h>
#include <bareverbs/wake.h>
#include <bareverbs/diagnosis.h>
#include <bareverbs/recovery.h>
#include <bareverbs/scope.h>
#include <bareverbs/group.h>
#include <bareverbs/event.h>
#include <bareverbs/debug.h>

#endif
