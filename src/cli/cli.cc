// SPDX-License-Identifier: Apache-2.0

// The command line: which verbs and options there are, and what their help says. The only file that knows CLI11.

#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>
#include <memory>

#include "base/encoding.h"
#include "cli/duration.h"
#include "cli/exp.h"
#include "cli/output.h"
#include "cli/verbs.h"

namespace gust::cli {
namespace {

using Action = std::function<int(const Context&)>;

// Types, defaults and whether it must be there; not the validators and exclusions, which the text says better.
class Help : public CLI::Formatter {
 public:
  std::string make_option_opts(const CLI::Option* option) const override {
    if (option->get_type_size() == 0) return {};
    std::string text = " " + option->get_type_name().substr(0, option->get_type_name().find(':'));
    if (!option->get_default_str().empty()) text += " (" + option->get_default_str() + ")";
    if (option->get_required() && option->nonpositional()) text += ", required";
    return text == " " ? "" : text;
  }
};

struct Line {
  CLI::App app{"AWS Lambda and its neighbours on your own machine.", "gust"};
  Globals globals;
  std::vector<std::string> behind;  // arguments behind "--", or all of the verb `aws`
  Action action;                    // of the verb that was found
  bool local = false;               // it needs no context: neither daemon nor key
};

constexpr char kEverywhere[] = "Every verb also takes --endpoint URL, --region, --state DIR and --json: see 'gust --help'.";
constexpr char kFooter[] =
    "The server itself: gust serve [--dev] [--listen ADDRESS] [--state DIR] (see gust serve --help)\n\n"
    "Exit status: 0 done, 1 failed, 2 wrong use; 'aws' and 'exp' have their own.\n\n"
    "Examples:\n"
    "  gust serve --dev &\n"
    "  gust deploy build/hello --memory 256\n"
    "  gust invoke hello -d '{\"name\":\"world\"}'\n"
    "  gust logs hello --follow\n"
    "  eval \"$(gust env)\"";

template <class Options>
struct Verb {
  CLI::App* app;
  std::shared_ptr<Options> options;
};

// A verb whose action gets its options when it was the one that was called.
template <class Options>
Verb<Options> add_verb(Line& line, CLI::App& parent, const std::string& name, const std::string& help,
                       const std::string& examples, std::function<int(const Context&, const Options&)> run) {
  auto options = std::make_shared<Options>();
  CLI::App* app = parent.add_subcommand(name, help);
  app->footer((examples.empty() ? "" : "Examples:\n" + examples + "\n\n") + kEverywhere);
  app->callback([&line, options, run] {
    if (!line.action) line.action = [options, run](const Context& context) { return run(context, *options); };
  });
  return {app, options};
}

struct None {};
CLI::App* add_plain(Line& line, CLI::App& parent, const std::string& name, const std::string& help, const std::string& examples,
                    std::function<int(const Context&)> run) {
  return add_verb<None>(line, parent, name, help, examples, [run](const Context& context, const None&) { return run(context); })
      .app;
}

// --env KEY=VALUE, once for each variable.
void add_variables(CLI::App* app, Pairs& into, const std::string& help) {
  app->add_option_function<std::vector<std::string>>(
         "--env",
         [&into](const std::vector<std::string>& all) {
           for (const std::string& text : all) {
             const size_t equals = text.find('=');
             if (equals == 0 || equals == std::string::npos)
               throw CLI::ValidationError("--env", "'" + text + "' is not KEY=VALUE");
             into.emplace_back(text.substr(0, equals), text.substr(equals + 1));
           }
         },
         help)
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
}

void add_duration(CLI::App* app, const std::string& name, int64_t& into, const std::string& help) {
  app->add_option_function<std::string>(
         name,
         [&into, name](const std::string& text) {
           const auto duration = parse_duration(text);
           if (!duration) throw CLI::ValidationError(name, duration.error().message);
           into = *duration;
         },
         help)
      ->type_name("TIME");
}

void add_environment_verbs(Line& line) {
  add_plain(line, line.app, "env", "Print the variables with which AWS's tools talk to this server",
            "  eval \"$(gust env)\"\n  gust env --json", print_environment);
  add_plain(line, line.app, "aws", "Run the AWS CLI against this server: what follows is the AWS CLI's own",
            "  gust aws lambda list-functions\n  gust aws s3 cp photo.jpg s3://pictures/", [&line](const Context& context) {
              if (line.behind.empty()) return misused("what shall 'aws' do? For example: gust aws lambda list-functions");
              return run_aws(context, line.behind);
            });
}

void add_deploy(Line& line) {
  auto [app, o] = add_verb<DeployOptions>(
      line, line.app, "deploy", "Make or update a function from a directory",
      "  gust deploy build/hello\n  gust deploy build/hello --name greeter --memory 512 --timeout 10 --env STAGE=test", deploy);
  app->add_option("directory", o->directory, "What /var/task shall be; the file 'bootstrap' in it is the program")->required();
  app->add_option("--name", o->name, "Of the function; the directory's name where it is not given");
  app->add_option("--memory", o->memory_mb, "MB of memory; CPU comes with it")->check(CLI::PositiveNumber)->type_name("MB");
  app->add_option("--timeout", o->timeout_s, "Seconds that one call may take")->check(CLI::PositiveNumber)->type_name("S");
  add_variables(app, o->environment, "A variable of the function, once for each; together they replace all that it had");
  app->add_option("--role", o->role, "The role that it acts as")->type_name("ARN");
}

void add_invoke(Line& line) {
  auto [app, o] = add_verb<InvokeOptions>(line, line.app, "invoke", "Call a function and print its answer",
                                          "  gust invoke hello -d '{\"name\":\"world\"}'\n"
                                          "  gust invoke hello -f event.json --log\n"
                                          "  echo '{}' | gust invoke hello -",
                                          invoke);
  const auto set_data = [options = o](const std::string& text) {
    options->data = text;
    options->has_data = true;
  };
  const auto set_file = [options = o](const std::string& text) { options->file = text; };
  app->add_option("function", o->function, "Name or ARN")->required();
  CLI::Option* data = app->add_option_function<std::string>("-d,--data", set_data, "The event")->type_name("JSON");
  CLI::Option* file =
      app->add_option_function<std::string>("-f,--file", set_file, "File with the event; - is standard input")->type_name("FILE");
  CLI::Option* dash = app->add_option_function<std::string>("dash", set_file, "-: the event comes from standard input");
  dash->check(CLI::IsMember({"-"}))->type_name("");
  data->excludes(file)->excludes(dash);
  file->excludes(dash);
  CLI::Option* async = app->add_flag("--async", o->async, "Only queue it; prints the request's id");
  app->add_flag("--log", o->log, "Print the last 4 KiB of its log to standard error")->excludes(async);
}

CLI::App* add_logs(Line& line, CLI::App& parent, const std::string& what) {
  const std::string verb = &parent == &line.app ? "  gust logs " : "  gust service logs ";
  auto [app, o] = add_verb<LogsOptions>(line, parent, "logs", "Print what a " + what + " wrote",
                                        verb + "hello --since 1d --limit 100\n" + verb + "hello --follow --filter ERROR", logs);
  o->since_ms = 3'600'000;
  app->add_option("name", o->name, "Of the " + what)->required();
  app->add_flag("-F,--follow", o->follow, "Go on printing what comes");
  add_duration(app, "--since", o->since_ms, "How far back, such as 90s, 10m, 2h, 3d; 1h where it is not given");
  app->add_option("--filter", o->filter, "CloudWatch Logs pattern: all these words, none of -these, one of ?these")
      ->type_name("PATTERN");
  app->add_option("--limit", o->limit, "Only the last so many lines")->check(CLI::PositiveNumber)->type_name("N");
  return app;
}

void add_inspection(Line& line) {
  add_plain(line, line.app, "ps", "List execution environments, services and waiting events", "  gust ps\n  gust ps --json", ps);
  auto explained = std::make_shared<std::string>();
  add_plain(line, line.app, "explain", "Show a function's settings and what the kernel enforces, each with its source",
            "  gust explain hello", [explained](const Context& context) { return explain(context, *explained); })
      ->add_option("function", *explained, "Its name")
      ->required();
  add_plain(line, line.app, "events", "Show which asynchronous events wait, and why", "  gust events", events);
  auto service = std::make_shared<std::string>();
  auto markdown = std::make_shared<bool>(false);
  CLI::App* app =
      add_plain(line, line.app, "compat", "List AWS's operations: built and refused", "  gust compat\n  gust compat lambda",
                [=](const Context& context) { return compat(context, *service, *markdown); });
  CLI::Option* one = app->add_option("service", *service, "Only this one, in full");
  app->add_flag("--markdown", *markdown, "Print the documentation's page docs/aws-differences.md")->excludes(one);
}

void add_service(Line& line) {
  CLI::App* app = line.app.add_subcommand("service", "Always-on programs of an instance type's size");
  app->require_subcommand(1);
  app->footer("See 'gust help service run' and so on.");
  auto [run, o] =
      add_verb<ServiceOptions>(line, *app, "run", "Start a service from a directory; what follows -- is its command",
                               "  gust service run scaler --type c4.large build/scaler\n"
                               "  gust service run web --type c4.large --env PORT=80 build/web -- /var/task/web --verbose",
                               [&line](const Context& context, const ServiceOptions& options) {
                                 ServiceOptions all = options;
                                 all.command = line.behind;
                                 return service_run(context, all);
                               });
  run->add_option("name", o->name, "Of the service")->required();
  run->add_option("--type", o->instance_type, "Instance type: vCPUs and memory")->required();
  add_variables(run, o->environment, "A variable of the program, once for each");
  run->add_option("directory", o->directory, "What /var/task shall be")->required();
  add_plain(line, *app, "ls", "List services", "  gust service ls", service_list);
  auto stopped = std::make_shared<std::string>();
  add_plain(line, *app, "stop", "Stop a service: SIGTERM, 10 s later the end", "  gust service stop scaler",
            [stopped](const Context& context) { return service_stop(context, *stopped); })
      ->add_option("name", *stopped, "Of the service")
      ->required();
  add_logs(line, *app, "service");
}

void add_experiment_run(Line& line, CLI::App& parent) {
  using Options = experiment::RunOptions;
  auto [app, o] = add_verb<Options>(
      line, parent, "run", "Upload photographs to functions of several sizes and to a server, and compare",
      "  gust exp run --uploads 8\n  gust exp run --arms fn-512,fn-1728,svc-c4.large --html report.html", exp_run);
  app->add_option("--arms", o->arms, "What is compared, separated by commas; all four where it is not given")
      ->delimiter(',')
      ->allow_extra_args(false);
  app->add_option("--uploads", o->uploads, "Photographs for each arm")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  app->add_option("--speed", o->speed, "2: arrivals twice as dense")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->type_name("X");
  app->add_option("--seed", o->seed, "Of photographs, arrivals and order")->capture_default_str()->type_name("S");
  app->add_option("--rounds", o->rounds, "Each arm has one block in each")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000))
      ->type_name("N");
  app->add_option("--uploads-per-day", o->uploads_per_day, "What prices are for")
      ->capture_default_str()
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  app->add_option("--images", o->images, "Directory of JPEG files, instead of installed packages")->type_name("DIR");
  app->add_option("--output", o->output, "Directory for the records")->type_name("DIR");
  app->add_option("--html", o->html, "File for the page")->type_name("FILE");
  app->add_option("--programs", o->programs, "Directory of the image scaler's programs")->type_name("DIR");
  app->add_option("--tariff", o->tariff, "Prices of functions")->capture_default_str()->type_name("NAME");
  app->add_option("--ec2-tariff", o->ec2_tariff, "Prices of servers")->capture_default_str()->type_name("NAME");
}

void add_experiment(Line& line) {
  CLI::App* app = line.app.add_subcommand("exp", "Functions or a server? Measure it: latency and price of the same uploads");
  app->require_subcommand(1);
  app->footer(
      "Exit status: 0 done and reconciled, 1 failed, 2 a remainder that is listed by id, 3 the server did not do what the run "
      "needs.");
  add_experiment_run(line, *app);
  using Options = experiment::ReportOptions;
  auto [report, o] = add_verb<Options>(
      line, *app, "report", "Rebuild the report from the records of a run", "  gust exp report exp-20260101 --html report.html",
      [](const Context& context, const Options& options) { return exp_report(context.json, options); });
  report->add_option("directory", o->run, "That a run left")->required();
  report->add_option("--html", o->html, "File for the page")->type_name("FILE");
  report->add_option("--uploads-per-day", o->uploads_per_day, "What prices are for; the run's where it is not given")
      ->check(CLI::PositiveNumber)
      ->type_name("N");
  report->add_option("--tariff", o->tariff, "Other prices of functions")->type_name("NAME");
  report->add_option("--ec2-tariff", o->ec2_tariff, "Other prices of servers")->type_name("NAME");
  report->parse_complete_callback([&line] { line.local = true; });
}

CLI::App* find_verb(CLI::App& app, const std::vector<std::string>& words) {
  CLI::App* found = &app;
  for (const std::string& word : words) {
    const auto verbs = found->get_subcommands([](CLI::App*) { return true; });
    const auto at = std::find_if(verbs.begin(), verbs.end(), [&](const CLI::App* verb) { return verb->get_name() == word; });
    if (at == verbs.end()) return nullptr;
    found = *at;
  }
  return found;
}

void add_ca(Line& line) {
  struct Options {
    bool pem = false;
  };
  auto [app, o] =
      add_verb<Options>(line, line.app, "ca", "Print what clients need to speak https with this server",
                        "  eval \"$(sudo gust ca)\"\n  sudo gust ca --pem > gust-ca.pem",
                        [](const Context& context, const Options& options) { return print_ca(context, options.pem); });
  app->add_flag("--pem", o->pem, "Print the certificate itself");
}

void add_local_verbs(Line& line) {
  const auto local = [&line] { line.local = true; };
  add_plain(line, line.app, "doctor", "Tell whether this machine has what sandboxes need", "  sudo gust doctor",
            [](const Context& context) { return doctor(context.json); })
      ->parse_complete_callback(local);
  add_plain(line, line.app, "version", "Print the version", "", [](const Context& context) {
    print(context.json ? "{\"version\":\"" GUST_VERSION "\"}\n" : "gust " GUST_VERSION "\n");
    return kOk;
  })->parse_complete_callback(local);
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* help =
      add_plain(line, line.app, "help", "Print the help of a verb", "  gust help service run", [&line, words](const Context&) {
        const CLI::App* verb = find_verb(line.app, *words);
        if (!verb) return misused("no such verb: 'gust help' lists them, 'gust serve --help' is the server's");
        print(verb->help(verb == &line.app ? "" : words->size() == 1 ? "gust" : "gust " + words->front()));
        return kOk;
      });
  help->add_option("verb", *words, "Such as: service run");
  help->parse_complete_callback(local);
}

void build(Line& line) {
  CLI::App& app = line.app;
  app.fallthrough();  // verbs inherit what is set before they are added
  app.formatter(std::make_shared<Help>());
  app.get_formatter()->column_width(30);
  app.add_option("--endpoint", line.globals.endpoint,
                 "Where the server listens; else $GUST_ENDPOINT, $AWS_ENDPOINT_URL, http://127.0.0.1:4566")
      ->type_name("URL");
  app.add_option("--region", line.globals.region, "Else $AWS_REGION, $AWS_DEFAULT_REGION, us-east-1");
  app.add_option("--state", line.globals.state, "The server's directory, for its key; else $GUST_STATE, /var/lib/gust")
      ->type_name("DIR");
  app.add_flag("--json", line.globals.json, "Print JSON");
  add_deploy(line);
  add_invoke(line);
  add_logs(line, app, "function");
  add_inspection(line);
  add_service(line);
  add_experiment(line);
  add_environment_verbs(line);
  add_ca(line);
  add_local_verbs(line);
  app.require_subcommand(1);
  app.footer(kFooter);
}

// Where the first word is that is no option nor an option's value.
size_t verb_position(const std::vector<std::string>& arguments) {
  constexpr std::string_view kWithValue[] = {"--endpoint", "--region", "--state"};
  size_t verb = 0;
  while (verb < arguments.size() && arguments[verb].starts_with("-")) {
    verb += std::find(std::begin(kWithValue), std::end(kWithValue), arguments[verb]) == std::end(kWithValue) ? 1 : 2;
  }
  return std::min(verb, arguments.size());
}

// Takes off what is not ours to parse: everything behind the verb `aws`, and what follows "--".
std::vector<std::string> take_ours(Line& line, const std::vector<std::string>& arguments, size_t verb) {
  size_t end = static_cast<size_t>(std::find(arguments.begin(), arguments.end(), "--") - arguments.begin());
  size_t rest = std::min(end + 1, arguments.size());
  const bool asks_for_help = verb + 1 < arguments.size() && (arguments[verb + 1] == "--help" || arguments[verb + 1] == "-h");
  if (verb < arguments.size() && arguments[verb] == "aws" && !asks_for_help) end = rest = verb + 1;
  line.behind.assign(arguments.begin() + static_cast<std::ptrdiff_t>(rest), arguments.end());
  return {arguments.begin(), arguments.begin() + static_cast<std::ptrdiff_t>(end)};
}

// The innermost verb that was named, for help and for errors.
std::pair<CLI::App*, std::string> called(CLI::App& app) {
  CLI::App* innermost = &app;
  std::string name = "gust";
  while (!innermost->get_subcommands().empty()) {
    innermost = innermost->get_subcommands().front();
    name += " " + innermost->get_name();
  }
  return {innermost, name};
}

int usage_error(Line& line, const CLI::ParseError& error) {
  const auto [verb, name] = called(line.app);
  if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
    print(verb->help(verb == &line.app ? "" : name.substr(0, name.rfind(' '))));
    return kOk;
  }
  std::string text = error.what();
  const auto verbs = verb->get_subcommands([](const CLI::App*) { return true; });
  if (!verbs.empty() && dynamic_cast<const CLI::RequiredError*>(&error)) {
    text = "'" + name + "' needs one of:";
    for (const CLI::App* each : verbs) text += " " + each->get_name();
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return misused(text + "; see '" + name + " --help'");
}

bool takes_rest(const CLI::App* verb) {
  return verb->get_name() == "aws" || (verb->get_name() == "run" && verb->get_parent()->get_name() == "service");
}

int parse_and_run(Line& line, const std::vector<std::string>& arguments) {
  build(line);
  const size_t verb_at = verb_position(arguments);
  if (verb_at < arguments.size() && !find_verb(line.app, {arguments[verb_at]})) {
    return misused("there is no '" + arguments[verb_at].substr(0, 60) + "'; 'gust help' lists what there is");
  }
  std::vector<std::string> ours = take_ours(line, arguments, verb_at);
  std::reverse(ours.begin(), ours.end());  // as CLI11 wants them
  try {
    line.app.parse(std::move(ours));
  } catch (const CLI::ParseError& error) {
    return usage_error(line, error);
  }
  const auto [verb, name] = called(line.app);
  if (!line.behind.empty() && !takes_rest(verb))
    return misused("'" + name + "' takes nothing behind '--'; see '" + name + " --help'");
  if (line.local) return line.action({.json = line.globals.json});
  const auto context = make_context(line.globals, variable);
  if (!context) return failed(context.error());
  return line.action(*context);
}

}  // namespace

int run(const std::vector<std::string>& arguments) {
  Line line;
  if (arguments.empty()) {
    build(line);
    fputs(line.app.help().c_str(), stderr);
    return kUsage;
  }
  return finish(parse_and_run(line, arguments));
}

}  // namespace gust::cli
