class AddArchivedAtToProjects < ActiveRecord::Migration[7.1]
  disable_ddl_transaction!

  def change
    add_column :projects, :archived_at, :datetime
    add_index :projects, :archived_at, where: "archived_at IS NOT NULL", algorithm: :concurrently
  end
end
