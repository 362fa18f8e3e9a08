// Everything of Prong's C++ face. Start with prong/function.h; docs/cpp.md is the guide.
#pragma once

#include "prong/codec.h"
#include "prong/command.h"
#include "prong/command_result.h"
#include "prong/error.h"
#include "prong/function.h"
#include "prong/future.h"
#include "prong/init.h"
#include "prong/job.h"
#include "prong/job_error.h"
#include "prong/options.h"
#include "prong/outcome.h"
#include "prong/payload.h"
#include "prong/pool.h"
#include "prong/registry.h"
#include "prong/run.h"
#include "prong/version.h"
