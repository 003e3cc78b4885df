/** The language's words, for colours and for completion where the server offers no list of functions. */

import type { FunctionInfo } from "../api/types";

export const OPERATORS: Readonly<Record<string, string>> = {
  as: "Names the result so far",
  count: "Counts the rows",
  distinct: "Distinct combinations of columns",
  evaluate: "Calls a plugin",
  extend: "Adds computed columns",
  "find": "Finds rows in several tables",
  invoke: "Calls a function with the rows as its first argument",
  join: "Joins with another table",
  lookup: "Adds columns of a dimension table",
  "make-series": "Makes series over an axis",
  "mv-apply": "Applies a subquery to each value of an array",
  "mv-expand": "One row for each value of an array",
  order: "Sorts rows",
  parse: "Takes a text apart by a pattern",
  "parse-kv": "Takes key-value text apart",
  "parse-where": "Takes a text apart and keeps the rows that match",
  partition: "Runs a subquery for each value of a column",
  print: "One row of computed values",
  project: "Chooses and computes columns",
  "project-away": "Leaves columns out",
  "project-keep": "Keeps columns",
  "project-rename": "Renames columns",
  "project-reorder": "Reorders columns",
  range: "A table of a series of values",
  "reduce": "Groups similar texts",
  render: "Draws the result",
  sample: "Some rows by chance",
  "sample-distinct": "Some values by chance",
  scan: "Finds sequences of rows",
  search: "Finds a text in all columns",
  serialize: "Fixes the order of rows for window functions",
  sort: "Sorts rows",
  summarize: "Aggregates by groups",
  take: "Some rows",
  limit: "Some rows",
  top: "The first rows by an order",
  "top-nested": "The first values, level by level",
  union: "Rows of several tables",
  where: "Keeps rows that satisfy a condition",
  filter: "Keeps rows that satisfy a condition",
  datatable: "A table written out",
  externaldata: "A table at an address",
};

export const WORDS = new Set(
  (
    "and or not in has has_any has_all has_cs hasprefix hasprefix_cs hassuffix hassuffix_cs contains contains_cs startswith " +
    "startswith_cs endswith endswith_cs matches regex between by asc desc nulls first last on kind with let set declare pattern " +
    "of from to step default isfuzzy withsource typeof inner innerunique leftouter rightouter fullouter leftanti rightanti leftsemi " +
    "rightsemi anti true false null dynamic bool datetime date timespan time guid int long real double decimal string"
  ).split(" "),
);

const SCALAR =
  "abs ago array_concat array_index_of array_length array_slice array_sort_asc array_split bag_has_key bag_keys bag_merge " +
  "base64_decode_tostring base64_encode_tostring bin case ceiling coalesce column_ifexists countof datetime_add datetime_diff " +
  "datetime_part dayofmonth dayofweek dayofyear endofday endofweek extract extract_all extract_json floor format_datetime " +
  "format_ipv4 format_timespan geo_info_from_ip_address getmonth getyear gettype hash_md5 hash_sha1 hash_sha256 hourofday iff indexof " +
  "ingestion_time ipv4_compare ipv4_is_in_any_range ipv4_is_in_range ipv4_is_match ipv4_is_private isempty isfinite isnan " +
  "isnotempty isnotnull isnull jaccard_index make_datetime make_timespan max_of min_of monthofyear next now pack pack_all " +
  "pack_array parse_command_line parse_csv parse_ipv4 parse_json parse_path parse_url parse_urlquery parse_user_agent parse_version " +
  "parse_xml pow prev rand range regex_quote repeat replace_regex replace_string reverse round row_cumsum row_number row_rank_dense " +
  "series_decompose_anomalies set_difference set_has_element set_intersect set_union split sqrt startofday startofmonth startofweek " +
  "strcat strcat_array strcat_delim strcmp strlen substring tobool todatetime todecimal todouble todynamic toguid toint tolong " +
  "tolower toreal toscalar tostring totimespan toupper translate treepath trim trim_end trim_start unixtime_milliseconds_todatetime " +
  "unixtime_seconds_todatetime url_decode url_encode week_of_year zip";

const AGGREGATE =
  "any arg_max arg_min avg avgif buildschema count countif count_distinct dcount dcountif make_bag make_bag_if make_list make_list_if " +
  "make_set make_set_if max maxif min minif percentile percentiles stdev stdevif sum sumif take_any take_anyif variance";

const of = (kind: FunctionInfo["kind"], names: string): FunctionInfo[] => names.split(" ").map((name) => ({ name, kind }));

export const FUNCTIONS: readonly FunctionInfo[] = [...of("scalar", SCALAR), ...of("aggregate", AGGREGATE)];

/** Keywords a completion offers that are no operators. */
export const KEYWORDS: readonly string[] = [
  "and", "or", "not", "in", "has", "has_any", "has_all", "contains", "startswith", "endswith", "matches regex", "between", "by",
  "asc", "desc", "on", "let", "true", "false", "dynamic", "datetime", "timespan",
];
