ActiveRecord::Schema[7.1].define(version: 2025_03_10_080000) do
  create_table "projects", force: :cascade do |t|
    t.bigint "account_id", null: false
    t.string "name", null: false
    t.datetime "created_at", null: false
    t.datetime "updated_at", null: false
    t.datetime "archived_at"
    t.index ["account_id"], name: "index_projects_on_account_id"
    t.index ["archived_at"], name: "index_projects_on_archived_at", where: "(archived_at IS NOT NULL)"
  end
end
