/**
 * Everything that the embedded engine offers beyond columns, constants, comparisons, CASE and CAST. All of it is deterministic, works on
 * one record alone, touches nothing outside, and gives a result of about the size of its arguments.
 */
const names = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((name) => name !== ''));

export const operators = names('+ - * / // % ** ^ & | << >> ~ || ~~ !~~ ~~* !~~* ->> ^@');

export const functions = names(`
  lower upper length char_length character_length len strlen bit_length ascii unicode
  substring substr left right trim ltrim rtrim replace translate reverse concat concat_ws
  starts_with ends_with prefix suffix contains position strpos instr split_part string_split str_split array_to_string
  regexp_matches regexp_full_match regexp_replace regexp_extract like_escape not_like_escape ilike_escape not_ilike_escape
  strip_accents md5 sha256 hex
  abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 log2 power pow mod pi
  sin cos tan asin acos atan atan2 degrees radians isnan isinf isfinite greatest least xor bit_count
  nullif
  date_part datepart date_trunc datetrunc date_diff datediff date_sub datesub date_add last_day dayname monthname
  year month day hour minute second millisecond microsecond quarter week weekday dayofweek isodow dayofmonth dayofyear weekofyear isoyear
  epoch epoch_ms epoch_us make_date make_timestamp to_timestamp strftime strptime try_strptime time_bucket timezone
  to_years to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds
  list_value list_contains array_contains list_has array_has list_position array_position list_extract array_length cardinality
  json_extract_string json_array_length json_type json_valid
`);

/** Known and refused, each for its reason: most of what people will try. */
const stateful = names(`
  count count_star sum avg mean min max first last any_value arg_min arg_max argmin argmax min_by max_by list array_agg string_agg group_concat listagg
  median mode quantile quantile_cont quantile_disc stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp
  approx_count_distinct approx_quantile histogram product bool_and bool_or every bit_and bit_or bit_xor entropy kurtosis skewness
  row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value
`);

const changing = names(`
  now random setseed uuid gen_random_uuid uuidv4 uuidv7 current_date current_time current_timestamp localtime localtimestamp today
  get_current_time get_current_timestamp transaction_timestamp age nextval currval txid_current
`);

const outside = names(`
  getenv getvariable current_setting set_config current_user user session_user current_catalog current_database current_schema current_schemas
  read_text read_blob read_csv read_csv_auto read_json read_json_auto read_parquet parquet_scan glob query query_table duckdb_settings
  sniff_csv pragma_version which_secret version current_query in_search_path write_log current_role current_connection_id current_query_id
`);

const fanningOut = names('unnest generate_series generate_subscripts range explode json_each json_tree regexp_split_to_table');

const growing = names('repeat lpad rpad format printf bar list_resize array_resize repeat_row');

const flink = 'use Flink (engine: flink) for this';

/** Why a function is refused, and the way out. */
export function refusalOf(name: string): { readonly message: string; readonly fix: string } {
  if (stateful.has(name))
    return { message: `${name}() needs more than one record: aggregates and windows keep state, which the embedded engine does not have`, fix: flink };
  if (changing.has(name))
    return {
      message: `${name} gives another result every time, so a record could not be made again with the same content`,
      fix: `take the value from a field of the record, or ${flink}`,
    };
  if (outside.has(name)) return { message: `${name} reads something else than the record: files, settings or the environment`, fix: 'read from streams only' };
  if (fanningOut.has(name)) return { message: `${name}() makes several records of one`, fix: flink };
  if (growing.has(name)) return { message: `${name}() can make a small record very large`, fix: 'build the text with || or concat()' };
  return {
    message: `${name}() is not among the functions that the embedded engine offers`,
    fix: `see docs/sql.md for those that it does, or ${flink}`,
  };
}

/** Names that look like columns but read a clock or the session, unless the stream has such a field. */
export const isChangingName = (name: string): boolean => changing.has(name.toLowerCase()) || outside.has(name.toLowerCase());
