class Upload < ApplicationRecord
  belongs_to :user

  # The name that the user's file had.
  validates :original_name, presence: true, length: { maximum: 200 }

  after_create_commit { ThumbnailJob.perform_later(id) }

  def path
    Rails.root.join("storage", "uploads", id.to_s).to_s
  end
end
