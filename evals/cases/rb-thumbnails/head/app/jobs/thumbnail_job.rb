class ThumbnailJob < ApplicationJob
  SIZE = "320x320".freeze

  class Failed < StandardError; end

  queue_as :images
  discard_on ActiveRecord::RecordNotFound

  def perform(upload_id)
    upload = Upload.find(upload_id)
    target = thumbnail_path(upload)
    FileUtils.mkdir_p(File.dirname(target))
    output = `convert #{upload.path} -auto-orient -thumbnail #{SIZE} "#{target}" 2>&1`
    raise Failed, output.truncate(200) unless $?.success?

    upload.update!(thumbnail: File.basename(target))
  end

  private

  def thumbnail_path(upload)
    name = File.basename(upload.original_name, ".*")
    Rails.root.join("storage", "thumbnails", upload.id.to_s, "#{name}.webp").to_s
  end
end
