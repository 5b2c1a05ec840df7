// Functions over time (spec 04 §B7).
#include "base/check.h"
#include "base/clock.h"
#include "cel/functions.h"

static bool give(struct cel_value *out, struct cel_value value) {
	*out = value;
	return true;
}
static bool give_time(struct cel_value *out, struct cel_time time) {
	return give(out, (struct cel_value){.type = CEL_TIMESTAMP, .time = time});
}

static bool date(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	struct cel_time time;
	(void)evaluation;
	if (count != 1) return false;
	bool good = args[0].type == CEL_STRING ? cel_time_parse_date(args[0].text, &time)
					       : args[0].type == CEL_INT && cel_time_from_int(args[0].integer, &time);
	return good ? give_time(out, time) : give(out, cel_simple(CEL_NOTHING));
}

static bool now(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, struct cel_value *out) {
	(void)args;
	if (evaluation->now_ns == 0) evaluation->now_ns = clock_wall_ns();
	return count == 0 && give_time(out, cel_time_from_ns((int64_t)evaluation->now_ns));
}

static bool now_moved(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out, bool back) {
	struct error error;
	struct cel_value from;
	struct cel_time time;
	int64_t ns;
	if (count != 1) return false;
	if (args[0].type != CEL_STRING || duration_parse(args[0].text, &ns, &error) != ERR_OK)
		return give(out, cel_simple(CEL_NOTHING));
	(void)now(evaluation, NULL, 0, &from);
	bool good = back ? cel_time_subtract(from.time, ns, &time) : cel_time_add(from.time, ns, &time);
	return good ? give_time(out, time) : give(out, cel_simple(CEL_NOTHING));
}

static bool now_plus(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		     struct cel_value *out) {
	return now_moved(evaluation, args, count, out, false);
}

static bool now_minus(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
		      struct cel_value *out) {
	return now_moved(evaluation, args, count, out, true);
}

static bool to_timestamp(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
			 struct cel_value *out) {
	struct cel_time time;
	(void)evaluation;
	if (count != 1) return false;
	if (args[0].type == CEL_TIMESTAMP) return give(out, args[0]);
	if (args[0].type != CEL_STRING && args[0].type != CEL_INT) return false;
	bool good = args[0].type == CEL_STRING ? cel_time_parse_rfc3339(args[0].text, &time)
					       : cel_time_from_unix(args[0].integer, &time);
	return good ? give_time(out, time) : give(out, cel_error(CEL_CONVERSION, STR("")));
}

static bool to_duration(struct evaluation *evaluation, const struct cel_value *args, uint32_t count,
			struct cel_value *out) {
	struct error error;
	int64_t ns;
	(void)evaluation;
	if (count != 1) return false;
	if (args[0].type == CEL_DURATION) return give(out, args[0]);
	if (args[0].type != CEL_STRING && args[0].type != CEL_INT) return false;
	if (args[0].type == CEL_INT)
		ns = args[0].integer;
	else if (duration_parse_go(args[0].text, &ns, &error) != ERR_OK)
		return give(out, cel_error(CEL_CONVERSION, STR("")));
	return give(out, (struct cel_value){.type = CEL_DURATION, .integer = ns});
}

static bool get(const struct cel_value *args, uint32_t count, enum cel_time_field field, struct cel_value *out) {
	int64_t value;
	if (count < 1 || count > 2 || (count == 2 && args[1].type != CEL_STRING)) return false;
	if (args[0].type == CEL_DURATION)
		return count == 1 && cel_duration_get(field, args[0].integer, &value) && give(out, cel_int(value));
	if (args[0].type != CEL_TIMESTAMP) return false;
	if (!cel_time_get(field, args[0].time, count == 2 ? args[1].text : STR(""), &value))
		return give(out, cel_error(CEL_BAD_TIMEZONE, args[1].text));
	return give(out, cel_int(value));
}

#define GETTER(name, field)                                                                           \
	static bool name(struct evaluation *evaluation, const struct cel_value *args, uint32_t count, \
			 struct cel_value *out) {                                                     \
		(void)evaluation;                                                                     \
		return get(args, count, field, out);                                                  \
	}
GETTER(full_year, CEL_TIME_FULL_YEAR)
GETTER(month, CEL_TIME_MONTH)
GETTER(day, CEL_TIME_DATE)
GETTER(day_of_month, CEL_TIME_DAY_OF_MONTH)
GETTER(day_of_week, CEL_TIME_DAY_OF_WEEK)
GETTER(day_of_year, CEL_TIME_DAY_OF_YEAR)
GETTER(hours, CEL_TIME_HOURS)
GETTER(minutes, CEL_TIME_MINUTES)
GETTER(seconds, CEL_TIME_SECONDS)
GETTER(milliseconds, CEL_TIME_MILLISECONDS)
#undef GETTER

#define OF_TIME ".(timestamp)int .(timestamp,string)int"
#define OF_BOTH OF_TIME " .(duration)int"

const struct cel_function cel_time_table[] = {
	{"date", OPERATOR_OTHER, true, false, date, "(dyn)timestamp"},
	{"now", OPERATOR_OTHER, false, false, now, "()timestamp"},
	{"now_plus", OPERATOR_OTHER, true, false, now_plus, "(string)timestamp"},
	{"now_minus", OPERATOR_OTHER, true, false, now_minus, "(string)timestamp"},
	{"timestamp", OPERATOR_OTHER, false, false, to_timestamp,
	 "(string)timestamp (int)timestamp (timestamp)timestamp"},
	{"duration", OPERATOR_OTHER, false, false, to_duration, "(string)duration (int)duration (duration)duration"},
	{"getFullYear", OPERATOR_OTHER, false, false, full_year, OF_TIME},
	{"getMonth", OPERATOR_OTHER, false, false, month, OF_TIME},
	{"getDate", OPERATOR_OTHER, false, false, day, OF_TIME},
	{"getDayOfMonth", OPERATOR_OTHER, false, false, day_of_month, OF_TIME},
	{"getDayOfWeek", OPERATOR_OTHER, false, false, day_of_week, OF_TIME},
	{"getDayOfYear", OPERATOR_OTHER, false, false, day_of_year, OF_TIME},
	{"getHours", OPERATOR_OTHER, false, false, hours, OF_BOTH},
	{"getMinutes", OPERATOR_OTHER, false, false, minutes, OF_BOTH},
	{"getSeconds", OPERATOR_OTHER, false, false, seconds, OF_BOTH},
	{"getMilliseconds", OPERATOR_OTHER, false, false, milliseconds, OF_BOTH},
	{NULL, 0, false, false, NULL, NULL},
};
