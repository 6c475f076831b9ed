// SPDX-License-Identifier: Apache-2.0

#include "daemon/config.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <variant>

#include <toml++/toml.h>

#include "base/encoding.h"
#include "os/files.h"

namespace gust::daemon {
namespace {

using Member = std::variant<std::string Config::*, bool Config::*, int64_t Config::*, double Config::*>;

struct Setting {
  std::string_view name;  // as in the file; the flag is --name with '-', the variable GUST_NAME
  Member member;
  std::string_view standard;
  double least, most;        // of numbers
  std::string_view choices;  // of texts: separated by '|', empty: any
  std::string_view help;
};

const Setting kSettings[] = {
    {"listen", &Config::listen, "127.0.0.1:4566", 0, 0, "",
     "Address and port of the one port that serves every API. Port 0 takes a free one and prints it."},
    {"state", &Config::state, "/var/lib/gust", 0, 0, "",
     "Directory of everything that is kept: database, objects, code, logs, meter, credentials."},
    {"ephemeral", &Config::ephemeral, "false", 0, 0, "",
     "Use a new state directory under the temporary directory and remove it at the end."},
    {"dev", &Config::dev, "false", 0, 0, "",
     "Accept any access key without checking signatures. Allowed on loopback addresses only."},
    {"account", &Config::account, "000000000000", 0, 0, "", "Account id of the root key: twelve digits."},
    {"region", &Config::region, "us-east-1", 0, 0, "", "Region where a request does not name one."},
    {"uid_base", &Config::uid_base, "900000", 1000, 4'000'000'000, "",
     "First of the user ids that Gust uses: the daemon, the unpacker, then one for each sandbox."},
    {"runtimes", &Config::runtimes, "/var/lib/gust-runtimes", 0, 0, "",
     "Directory of the curated root trees that sandboxes see. Outside the state directory: all instances share it."},
    {"memory_budget_mb", &Config::memory_budget_mb, "0", 0, 1 << 30, "",
     "Memory that all sandboxes together may be given, in MiB. 0: three quarters of the host's."},
    {"max_concurrency", &Config::max_concurrency, "1000", 1, 100'000, "",
     "Account concurrency: executions at the same time, beyond which a call gets 429."},
    {"cpu_admission", &Config::cpu_admission, "overcommit", 0, 0, "overcommit|strict",
     "strict: never more CPU quota runs at once than the host has; calls wait, unbilled. overcommit: they share."},
    {"clock_scale", &Config::clock_scale, "1", 0.0001, 1'000'000, "",
     "How many times faster retry waits and event ages pass. For tests."},
    {"allowed_hosts", &Config::allowed_hosts, "", 0, 0, "",
     "Host names, separated by commas, under which clients may call besides localhost and loopback addresses."},
    {"allowed_origins", &Config::allowed_origins, "", 0, 0, "",
     "Origins, separated by commas, whose pages may call every API: http://localhost:3000. A bucket's CORS rules need none."},
    {"sigv2_presign", &Config::sigv2_presign, "false", 0, 0, "",
     "Accept S3 URLs and forms presigned with Signature Version 2, as older SDKs make them. Always on with dev."},
    {"trust_forwarded", &Config::trust_forwarded, "false", 0, 0, "",
     "Take X-Forwarded-Host for the Host that was signed: only behind a proxy that sets it."},
    {"async_backlog_mb", &Config::async_backlog_mb, "1024", 1, 1 << 20, "",
     "Bytes of waiting asynchronous events, in MiB, beyond which new ones are refused."},
    {"log_function_mb", &Config::log_function_mb, "1024", 1, 1 << 20, "", "Log files kept for each function, in MiB."},
    {"log_total_mb", &Config::log_total_mb, "10240", 1, 1 << 24, "", "Log files kept in total, in MiB."},
    {"workers", &Config::workers, "4", 1, 256, "", "Threads for the work of services other than invocations."},
    {"log_level", &Config::log_level, "info", 0, 0, "debug|info|warning|error", "Least level of the daemon's own log."},
};

std::string flag_of(const Setting& setting) {
  std::string flag = "--" + std::string(setting.name);
  std::replace(flag.begin(), flag.end(), '_', '-');
  return flag;
}

std::string variable_of(const Setting& setting) {
  std::string name = "GUST_";
  for (char c : setting.name) name += static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c);
  return name;
}

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t up = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])});
      diagonal = up;
    }
  }
  return row[b.size()];
}

Failure unknown(std::string_view name, std::string_view where) {
  std::string shown = escape_terminal(name.substr(0, 60));
  const Setting* nearest = std::min_element(std::begin(kSettings), std::end(kSettings), [&](auto& a, auto& b) {
    return edit_distance(a.name, name.substr(0, 60)) < edit_distance(b.name, name.substr(0, 60));
  });
  return fail(Errc::Invalid,
              std::string(where) + ": unknown setting '" + shown + "'; did you mean '" + std::string(nearest->name) + "'?");
}

Result<> assign(Config& config, const Setting& setting, std::string_view text, std::string_view where) {
  auto bad = [&](const std::string& want) {
    return fail(Errc::Invalid, std::string(where) + ": " + std::string(setting.name) + " must be " + want + ", not '" +
                                   escape_terminal(text.substr(0, 60)) + "'");
  };
  if (auto* member = std::get_if<bool Config::*>(&setting.member)) {
    if (text != "true" && text != "false") return bad("true or false");
    config.*(*member) = text == "true";
  } else if (auto* number = std::get_if<int64_t Config::*>(&setting.member)) {
    auto value = parse_int(text);
    if (!value || static_cast<double>(*value) < setting.least || static_cast<double>(*value) > setting.most) {
      return bad("a number from " + std::to_string(static_cast<int64_t>(setting.least)) + " to " +
                 std::to_string(static_cast<int64_t>(setting.most)));
    }
    config.*(*number) = *value;
  } else if (auto* real = std::get_if<double Config::*>(&setting.member)) {
    std::string copy(text.substr(0, 40));
    char* end = nullptr;
    double value = std::strtod(copy.c_str(), &end);
    if (copy.empty() || *end || !(value >= setting.least && value <= setting.most)) {
      return bad("a number from " + std::to_string(setting.least) + " to " + std::to_string(setting.most));
    }
    config.*(*real) = value;
  } else {
    std::string choices = "|" + std::string(setting.choices) + "|";
    if (!setting.choices.empty() && choices.find("|" + std::string(text) + "|") == std::string::npos) {
      return bad("one of " + std::string(setting.choices));
    }
    config.*std::get<std::string Config::*>(setting.member) = text;
  }
  return {};
}

const Setting* find_setting(std::string_view name) {
  for (const Setting& setting : kSettings) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

Result<> read_file(Config& config, const std::string& path) {
  std::string text = TRY(files::read(path, 1 << 20));
  toml::table table;
  try {
    table = toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return fail(Errc::Invalid,
                path + ": line " + std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  }
  for (auto&& [key, node] : table) {
    const Setting* setting = find_setting(key.str());
    if (!setting) return unknown(key.str(), path);
    std::string value;
    if (auto s = node.value<std::string>(); node.is_string() && s) {
      value = *s;
    } else if (node.is_boolean()) {
      value = *node.value<bool>() ? "true" : "false";
    } else if (node.is_integer()) {
      value = std::to_string(*node.value<int64_t>());
    } else if (node.is_floating_point()) {
      value = std::to_string(*node.value<double>());
    } else {
      return fail(Errc::Invalid, path + ": " + std::string(setting->name) + " is neither text nor number nor boolean");
    }
    TRY(assign(config, *setting, value, path));
  }
  return {};
}

using Flags = std::map<std::string, std::string>;

// --name value, --name=value; a boolean needs no value.
Result<Flags> read_flags(const std::vector<std::string>& arguments) {
  Flags flags;
  for (size_t i = 0; i < arguments.size(); ++i) {
    std::string_view argument = arguments[i];
    if (argument == "--help" || argument == "-h" || argument == "--help-markdown") {
      flags[argument == "--help-markdown" ? "help-markdown" : "help"] = "";
      continue;
    }
    if (argument.substr(0, 2) != "--") {
      return fail(Errc::Invalid, "unexpected argument '" + escape_terminal(argument) + "'; see gust serve --help");
    }
    size_t equals = argument.find('=');
    std::string name(argument.substr(2, equals == std::string_view::npos ? equals : equals - 2));
    std::replace(name.begin(), name.end(), '-', '_');
    const Setting* setting = find_setting(name);
    if (!setting && name != "config") return unknown(name, "command line");
    if (equals != std::string_view::npos) {
      flags[name] = argument.substr(equals + 1);
    } else if (setting && std::holds_alternative<bool Config::*>(setting->member)) {
      flags[name] = "true";
    } else if (i + 1 < arguments.size()) {
      flags[name] = arguments[++i];
    } else {
      return fail(Errc::Invalid, "--" + name + " needs a value");
    }
  }
  return flags;
}

const char* lookup(const char* const* environment, const std::string& name) {
  for (; environment && *environment; ++environment) {
    std::string_view entry = *environment;
    if (entry.substr(0, name.size()) == name && entry.size() > name.size() && entry[name.size()] == '=') {
      return *environment + name.size() + 1;
    }
  }
  return nullptr;
}

}  // namespace

Result<LoadedConfig> load_config(const std::vector<std::string>& arguments, const char* const* environment) {
  LoadedConfig loaded;
  for (const Setting& setting : kSettings) TRY(assign(loaded.config, setting, setting.standard, "default"));
  Flags flags = TRY(read_flags(arguments));
  if (flags.count("help") || flags.count("help-markdown")) {
    loaded.help = true;
    loaded.markdown = flags.count("help-markdown") > 0;
    return loaded;
  }
  const char* file = lookup(environment, "GUST_CONFIG");
  if (flags.count("config")) {
    TRY(read_file(loaded.config, flags["config"]));
  } else if (file && *file) {
    TRY(read_file(loaded.config, file));
  }
  for (const Setting& setting : kSettings) {
    std::string variable = variable_of(setting);
    if (const char* value = lookup(environment, variable)) {
      TRY(assign(loaded.config, setting, value, "environment variable " + variable));
    }
    if (auto flag = flags.find(std::string(setting.name)); flag != flags.end()) {
      TRY(assign(loaded.config, setting, flag->second, flag_of(setting)));
    }
  }
  const std::string& account = loaded.config.account;
  if (account.size() != 12 || account.find_first_not_of("0123456789") != std::string::npos) {
    return fail(Errc::Invalid, "account must be twelve digits, not '" + escape_terminal(account) + "'");
  }
  return loaded;
}

std::string config_help() {
  std::string out =
      "usage: gust serve [--dev] [--listen ADDRESS:PORT] [--state DIR] [--ephemeral] [--config FILE] [...]\n\n"
      "Runs Gust: every AWS API that it has on one port. Needs root (sandboxes).\n\n"
      "  gust serve --dev --ephemeral            a throw-away cloud on 127.0.0.1:4566, any key accepted\n"
      "  gust serve --state /srv/gust            keeps everything in /srv/gust, signatures checked\n\n"
      "  --config FILE\n        TOML file with the settings below, named without dashes. Also GUST_CONFIG.\n";
  for (const Setting& setting : kSettings) {
    out += "  " + flag_of(setting);
    if (!std::holds_alternative<bool Config::*>(setting.member)) out += " VALUE";
    out += "\n        " + std::string(setting.help) +
           " Default: " + (setting.standard.empty() ? "none" : std::string(setting.standard)) + ".\n";
  }
  return out;
}

std::string config_markdown() {
  std::string out =
      "# Configuration of `gust serve`\n\nGenerated from the table in `src/daemon/config.cc`. A flag wins over the "
      "environment, that over the file (`--config FILE` or `GUST_CONFIG`), that over the default. An unknown name is an "
      "error that says the nearest known one. Every setting is read at start only.\n\n"
      "| file | flag | environment | default | meaning |\n|---|---|---|---|---|\n";
  for (const Setting& setting : kSettings) {
    out += "| `" + std::string(setting.name) + "` | `" + flag_of(setting) + "` | `" + variable_of(setting) + "` | " +
           (setting.standard.empty() ? "" : "`" + std::string(setting.standard) + "`") + " | " + std::string(setting.help) +
           " |\n";
  }
  return out;
}

}  // namespace gust::daemon
