// What a careful developer writes by hand in C++: Meridian's change of its tasks from version 1 to 2, as handwritten.py
// makes it, with the same result.
//
//   contenders copy|sst|batch|put DATABASE
//
//   copy   moves the records as they are through an SST file that is ingested: the limit, as nothing is changed
//   sst    changes them, and ingests one SST file
//   batch  changes them, and writes a WriteBatch of 1000 at a time
//   put    changes them, and puts each by itself
//
// No check against a schema, no backup, no history; after a kill, batch and put leave half of the tasks changed.

#include <cstdlib>
#include <functional>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>
#include <rocksdb/db.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/options_util.h>
#include <rocksdb/version.h>
#include <rocksdb/write_batch.h>

namespace {

using rapidjson::Value;
using rocksdb::Slice;

constexpr int kRecordsABatch = 1000;
constexpr size_t kReadAhead = 1 << 20;
constexpr size_t kPoolBytes = 1 << 16;

// The fields that version 2 has in every record, in the order in which absent ones are put in, and what with.
enum class Filling { kNull, kList, kUpdatedAt };
struct Field {
  const char* name;
  rapidjson::SizeType length;
  Filling filling;
};
#define FIELD(name, filling) {name, sizeof(name) - 1, Filling::filling}
constexpr Field kFields[] = {
    FIELD("depends_on", kList),
    FIELD("related_tasks", kList),
    FIELD("started_at", kNull),
    FIELD("timeout_hours", kNull),
    FIELD("last_activity", kUpdatedAt),
    FIELD("description", kNull),
    FIELD("spec_ref", kNull),
    FIELD("session_id", kNull),
    FIELD("active_session_id", kNull),
    FIELD("completed_at", kNull),
    FIELD("history", kList),
    FIELD("tags", kList),
    FIELD("estimated_hours", kNull),
    FIELD("actual_hours", kNull),
    FIELD("commit_hash", kNull),
    FIELD("episode_id", kNull),
};
#undef FIELD

void check(const rocksdb::Status& status) {
  if (!status.ok()) {
    std::cerr << status.ToString() << "\n";
    std::exit(1);
  }
}

// Changes tasks one after the other, with the same memory for all.
class Migration {
 public:
  // The new bytes of a task, valid until the next call; empty where it lacks nothing and stays as it is.
  Slice operator()(const Slice& value) {
    pool_.Clear();
    rapidjson::Document task(&pool_);
    task.Parse<rapidjson::kParseFullPrecisionFlag>(value.data(), value.size());  // numbers stay the same
    if (task.HasParseError() || !task.IsObject()) {
      std::cerr << "a task that is no JSON object was found\n";
      std::exit(1);
    }
    missing_.clear();
    for (const Field& field : kFields) {
      if (task.FindMember(Value(rapidjson::StringRef(field.name, field.length))) == task.MemberEnd()) {
        missing_.push_back(&field);
      }
    }
    if (missing_.empty()) return Slice();
    out_.Clear();
    writer_.Reset(out_);
    write(task);
    return Slice(out_.GetString(), out_.GetSize());
  }

 private:
  void write(const Value& task) {
    writer_.StartObject();
    const bool stamped = task.HasMember("schema_version");
    if (!stamped) write_version();
    for (const auto& member : task.GetObject()) {
      if (stamped && member.name == "schema_version") {
        write_version();
        continue;
      }
      writer_.Key(member.name.GetString(), member.name.GetStringLength());
      member.value.Accept(writer_);
    }
    for (const Field* field : missing_) {
      writer_.Key(field->name, field->length);
      fill(field->filling, task);
    }
    writer_.EndObject();
  }

  void write_version() {
    writer_.Key("schema_version");
    writer_.Int(2);
  }

  void fill(Filling filling, const Value& task) {
    switch (filling) {
      case Filling::kNull:
        writer_.Null();
        break;
      case Filling::kList:
        writer_.StartArray();
        writer_.EndArray();
        break;
      case Filling::kUpdatedAt:
        task["updated_at"].Accept(writer_);
        break;
    }
  }

  char buffer_[kPoolBytes];
  rapidjson::MemoryPoolAllocator<> pool_{buffer_, kPoolBytes};
  rapidjson::StringBuffer out_;
  rapidjson::Writer<rapidjson::StringBuffer> writer_{out_};
  std::vector<const Field*> missing_;
};

struct Database {
  std::string path;
  rocksdb::Options options;  // the database's own, as it was last opened with, so that what is written is like the rest
  std::unique_ptr<rocksdb::DB> db;
};

Database open(const std::string& path) {
  Database database;
  database.path = path;
  rocksdb::ConfigOptions config;
  config.ignore_unknown_options = true;
  rocksdb::DBOptions own;
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  check(rocksdb::LoadLatestOptions(config, path, &own, &families));
  database.options = rocksdb::Options(own, families.at(0).options);
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(database.options, path, &db));
  database.db.reset(db);
  return database;
}

void each_task(rocksdb::DB& db, const std::function<void(const Slice&, const Slice&)>& use) {
  const Slice stop("task;");
  rocksdb::ReadOptions reading;
  reading.iterate_upper_bound = &stop;
  reading.readahead_size = kReadAhead;
  reading.fill_cache = false;
  std::unique_ptr<rocksdb::Iterator> tasks(db.NewIterator(reading));
  for (tasks->Seek("task:"); tasks->Valid(); tasks->Next()) use(tasks->key(), tasks->value());
  check(tasks->status());
}

void through_sst(Database& database, const std::function<Slice(const Slice&)>& change) {
  const std::string file = database.path + ".sst";
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(), database.options);
  check(writer.Open(file));
  check(writer.Put("_schema_version", "2"));
  each_task(*database.db, [&](const Slice& key, const Slice& value) {
    const Slice changed = change(value);
    if (!changed.empty()) check(writer.Put(key, changed));
  });
  check(writer.Finish());
  rocksdb::IngestExternalFileOptions ingesting;
  ingesting.move_files = true;
  check(database.db->IngestExternalFile({file}, ingesting));
}

void in_batches(Database& database) {
  Migration migration;
  rocksdb::WriteBatch batch;
  each_task(*database.db, [&](const Slice& key, const Slice& value) {
    const Slice changed = migration(value);
    if (!changed.empty()) check(batch.Put(key, changed));
    if (batch.Count() == kRecordsABatch) {
      check(database.db->Write(rocksdb::WriteOptions(), &batch));
      batch.Clear();
    }
  });
  check(batch.Put("_schema_version", "2"));
  check(database.db->Write(rocksdb::WriteOptions(), &batch));
}

void one_by_one(Database& database) {
  Migration migration;
  each_task(*database.db, [&](const Slice& key, const Slice& value) {
    const Slice changed = migration(value);
    if (!changed.empty()) check(database.db->Put(rocksdb::WriteOptions(), key, changed));
  });
  check(database.db->Put(rocksdb::WriteOptions(), "_schema_version", "2"));
}

}  // namespace

int main(int count, char** arguments) {
  const std::string way = count > 1 ? arguments[1] : "";
  if (count == 2 && way == "version") {
    std::cout << ROCKSDB_MAJOR << "." << ROCKSDB_MINOR << "." << ROCKSDB_PATCH << "\n";
    return 0;
  }
  if (count != 3) {
    std::cerr << "usage: contenders copy|sst|batch|put DATABASE\n";
    return 2;
  }
  Database database = open(arguments[2]);
  if (way == "copy") {
    through_sst(database, [](const Slice& value) { return value; });
  } else if (way == "sst") {
    Migration migration;
    through_sst(database, std::ref(migration));
  } else if (way == "batch") {
    in_batches(database);
  } else if (way == "put") {
    one_by_one(database);
  } else {
    std::cerr << "unknown way: " << way << "\n";
    return 2;
  }
  check(database.db->Close());
  return 0;
}
